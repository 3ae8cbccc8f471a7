# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of closewait for bash. It needs nothing of bash-completion but its place.

_closewait_verbs='run report scan top list clean explain doctor'
_closewait_verdicts='eof-ignored eof-unread reset-ignored shutdown-unclosed half-closed
	idle-client unknown open'
_closewait_states='close-wait established syn-sent fin-wait-1 fin-wait-2 last-ack closing
	listening'
_closewait_faults='slow-close closed-by-gc double-close eof-spin descriptors-exhausted'

# The options of a verb, each with = if it takes a value.
_closewait_options() {
	local output='--all --native --show-open --quiet --json= --exitcode= --fail-on=
		--max-leaks= --suppressions= --baseline= --annotate= --color= --grace= --slow-close='

	case $1 in
	run) echo "$output --report= --sample= --wait= --keep --dir= --help" ;;
	report) echo "$output --help" ;;
	top) echo '--interval= --once --show-open --sort= --grace= --prometheus= --quiet --help' ;;
	scan) echo '--pid= --state= --min-age= --all --json= --prometheus= --check --color= --help' ;;
	list) echo '--dir= --help' ;;
	clean) echo '--older-than= --dir= --help' ;;
	explain | doctor) echo '--help' ;;
	'') echo '--help --version' ;;
	esac
}

# Adds the words of $1 that begin with $2 to COMPREPLY.
_closewait_words() {
	local word

	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -W "$1" -- "$2")
}

# Adds the files (or what else compgen's action $1 knows) that begin with $2.
_closewait_action() {
	local word

	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -A "$1" -- "$2")
	if [[ $1 != command ]]; then
		compopt -o filenames 2>/dev/null || true
	fi
}

# NAME,NAME of the words $1: completes the last one of $2 and keeps the others.
_closewait_list() {
	local before='' name

	[[ $2 == *,* ]] && before=${2%,*},
	while IFS= read -r name; do
		COMPREPLY+=("$before$name")
	done < <(compgen -W "$1" -- "${2##*,}")
	compopt -o nospace 2>/dev/null || true
}

# Those that have the library loaded, as far as this user may see.
_closewait_pids() {
	local maps pids=''

	for maps in /proc/[0-9]*/maps; do
		if grep -qs '/libclosewait\.so$' "$maps" 2>/dev/null; then
			maps=${maps#/proc/}
			pids+=" ${maps%/maps}"
		fi
	done
	_closewait_words "$pids" "$1"
}

_closewait_all_pids() {
	local places=(/proc/[0-9]*)

	_closewait_words "${places[*]#/proc/}" "$1"
}

_closewait_value() {
	case $1 in
	--json | --report | --suppressions | --baseline | --prometheus) _closewait_action file "$2" ;;
	--dir) _closewait_action directory "$2" ;;
	--fail-on) _closewait_list "leak $_closewait_verdicts $_closewait_faults" "$2" ;;
	--annotate) _closewait_words github "$2" ;;
	--color) _closewait_words 'auto always never' "$2" ;;
	--exitcode) _closewait_words 23 "$2" ;;
	--sort) _closewait_words 'count rate oldest bytes' "$2" ;;
	--sample) _closewait_words 'off 100ms 1s 10s' "$2" ;;
	--pid) _closewait_all_pids "$2" ;;
	--state) _closewait_list "$_closewait_states" "$2" ;;
	--grace | --interval | --slow-close | --wait | --older-than | --min-age)
		_closewait_words '100ms 1s 10s 1m 1h' "$2"
		;;
	esac
}

# Where the command of `run` or `doctor` begins: an index of COMP_WORDS in `begin`, 0 if it
# does not before the word that is completed.
_closewait_find_command() {
	local i word options

	begin=0
	options=" $(_closewait_options "$1" | tr '\n\t' '  ') "
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == -- ]]; then
			begin=$((i + 1))
			return
		fi
		if [[ $word != -* ]]; then
			begin=$i
			return
		fi
		[[ $options == *" $word= "* ]] || continue
		[[ ${COMP_WORDS[i + 1]-} == = ]] && i=$((i + 1))
		i=$((i + 1))
	done
}

_closewait_command() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$begin"
	elif ((COMP_CWORD == begin)) && [[ $current != */* ]]; then
		_closewait_action command "$current"
	else
		_closewait_action file "$current"
	fi
}

_closewait_argument() {
	case $1 in
	explain) _closewait_words "$_closewait_verdicts $_closewait_faults" "$current" ;;
	report)
		_closewait_pids "$current"
		_closewait_action file "$current"
		;;
	run | doctor)
		begin=$COMP_CWORD
		_closewait_command
		;;
	esac
}

_closewait() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb=${COMP_WORDS[1]} begin options

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		if [[ $current == -* ]]; then
			_closewait_words "$(_closewait_options '')" "$current"
		else
			_closewait_words "$_closewait_verbs" "$current"
		fi
		return
	fi
	if [[ $verb == run || $verb == doctor ]]; then
		_closewait_find_command "$verb"
		if ((begin)); then
			_closewait_command
			return
		fi
	fi
	# readline takes --option=value for three words.
	if [[ $current == = ]]; then
		current=
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	options=" $(_closewait_options "$verb" | tr '\n\t' '  ') "
	if [[ $previous == --* && $options == *" $previous= "* ]]; then
		_closewait_value "$previous" "$current"
	elif [[ $current == -* ]]; then
		_closewait_words "${options//=/}" "$current"
	else
		_closewait_argument "$verb"
	fi
}

complete -F _closewait closewait
