/* SPDX-License-Identifier: MIT */
/* The screen: drawing, keys, and leaving the terminal as it was. */
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "complain.h"
#include "held_back.h"
#include "top_format.h"
#include "top_metrics.h"
#include "top_screen.h"

#define NS_PER_MS    1000000ull
#define FILTER_BYTES 128
#define KEY_ESCAPE   27

struct screen {
	struct top *top;
	uint64_t interval; /* ns */
	uint64_t next;     /* ns, monotonic: when to look again */
	const char *metrics;
	const struct top_row **rows; /* those that pass the filter, as they are shown */
	size_t row_count;
	uint64_t chosen; /* the key of the row that the cursor is on */
	size_t cursor;
	size_t first;  /* the row at the top */
	size_t scroll; /* of the stacks: the line at the top */
	char filter[FILTER_BYTES];
	enum top_order order;
	bool editing; /* the filter */
	bool inside;  /* the stacks of one row are shown */
	bool open;    /* what is no finding is shown, too */
	bool paused;
	bool over; /* what was looked at is gone */
	bool blocks;
	bool leave;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = number;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static uint64_t key_of(const struct top_row *row)
{
	return (uint64_t)row->verdict << 32 | row->fingerprint;
}

/* Text up to the right edge of the screen or the end of the line, whole characters only. Returns
 * what is left. */
static const char *put_at(int y, const char *text, attr_t attributes)
{
	mbstate_t state = {0};
	bool visible = y < LINES;
	int columns = 0;

	move(visible ? y : 0, 0);
	attrset(attributes);
	while (*text && *text != '\n') {
		wchar_t character;
		size_t size = mbrtowc(&character, text, MB_CUR_MAX, &state);
		int width;

		if (size == (size_t)-1 || size == (size_t)-2 || size == 0) {
			character = L'?';
			size = 1;
			memset(&state, 0, sizeof(state));
		}
		width = wcwidth(character);
		if (width < 0) {
			character = L'?';
			width = 1;
		}
		if (columns && columns + width > COLS)
			break;
		if (visible)
			addnwstr(&character, 1);
		columns += width;
		text += size;
	}
	if (visible && attributes & A_REVERSE)
		for (; columns < COLS; columns++)
			addch(' ');
	attrset(A_NORMAL);
	return text;
}

static bool passes(const struct screen *screen, const struct top_row *row)
{
	return !*screen->filter || strcasestr(row->place, screen->filter) ||
	       strcasestr(verdict_name(row->verdict), screen->filter);
}

/* The cursor stays on its row, wherever that is by now. */
static void arrange(struct screen *screen)
{
	const struct top_table *table = top_table(screen->top);
	bool found = false;

	free(screen->rows);
	screen->row_count = 0;
	screen->rows = calloc(table->row_count + 1, sizeof(*screen->rows));
	if (!screen->rows)
		return;
	top_sort(screen->top, screen->order);
	for (size_t i = 0; i < table->row_count; i++) {
		if (!passes(screen, &table->rows[i]))
			continue;
		if (key_of(&table->rows[i]) == screen->chosen && !found) {
			screen->cursor = screen->row_count;
			found = true;
		}
		screen->rows[screen->row_count++] = &table->rows[i];
	}
	if (screen->cursor >= screen->row_count)
		screen->cursor = screen->row_count ? screen->row_count - 1 : 0;
	/* The row has gone: its stacks are no more. */
	if (!found && screen->chosen)
		screen->inside = false;
	if (screen->row_count)
		screen->chosen = key_of(screen->rows[screen->cursor]);
}

static void look(struct screen *screen)
{
	screen->next = now() + screen->interval;
	if (screen->over)
		return;
	screen->over = !top_look(screen->top);
	if (screen->metrics && !screen->over)
		top_metrics_write(top_table(screen->top), screen->metrics);
	arrange(screen);
}

static void draw_keys(const struct screen *screen)
{
	char line[TOP_LINE_BYTES];

	if (screen->editing)
		snprintf(line, sizeof(line), "/%s_", screen->filter);
	else if (screen->inside)
		snprintf(line, sizeof(line), " q back   up, down scroll");
	else
		snprintf(line, sizeof(line),
			 " enter stacks  s sort: %s  / filter  o %s  p %s  q leave%s%s",
			 top_order_name(screen->order),
			 screen->open ? "findings only" : "all open",
			 screen->paused ? "go on" : "pause", *screen->filter ? "  /" : "",
			 screen->filter);
	put_at(LINES - 1, line, A_REVERSE);
}

static const char *state_of(const struct screen *screen)
{
	if (screen->over)
		return "what was looked at has ended, and its trace is gone: this is the "
		       "last look";
	if (!top_table(screen->top)->process_count)
		return "it has ended: this is how it was";
	return screen->paused ? "paused" : "";
}

static void draw_head(const struct screen *screen)
{
	char line[TOP_LINE_BYTES];

	for (int n = 0; n < TOP_HEAD_LINES; n++) {
		top_head_line(top_table(screen->top), n, (size_t)COLS, line);
		put_at(n, line, n == 0 ? A_BOLD : A_NORMAL);
	}
	put_at(TOP_HEAD_LINES, state_of(screen), A_BOLD);
}

/* Lines between the titles and the keys. */
static int body_height(void)
{
	int height = LINES - TOP_HEAD_LINES - 3;

	return height > 0 ? height : 0;
}

static void draw_rows(struct screen *screen)
{
	size_t height = (size_t)body_height();
	char line[TOP_LINE_BYTES];

	if (screen->cursor < screen->first)
		screen->first = screen->cursor;
	if (height && screen->cursor >= screen->first + height)
		screen->first = screen->cursor - height + 1;
	top_titles(top_table(screen->top), line);
	put_at(TOP_HEAD_LINES + 1, line, A_UNDERLINE);
	for (size_t i = 0; i < height && screen->first + i < screen->row_count; i++) {
		const struct top_row *row = screen->rows[screen->first + i];
		bool here = screen->first + i == screen->cursor;

		top_row_line(top_table(screen->top), row, screen->blocks, line);
		put_at(TOP_HEAD_LINES + 2 + (int)i, line,
		       here        ? A_REVERSE
		       : row->leak ? A_BOLD
				   : A_NORMAL);
	}
	if (!screen->row_count)
		put_at(TOP_HEAD_LINES + 2,
		       *screen->filter ? "nothing passes the filter" : "no finding",
		       A_NORMAL);
}

/* One row of the screen, what is too long goes on in the next. */
static const char *put_wrapped(int y, const char *text)
{
	text = put_at(y, text, A_NORMAL);
	return *text == '\n' ? text + 1 : text;
}

/* Scrolled too far is scrolled to the end. */
static void draw_stacks(struct screen *screen)
{
	const char *text = screen->rows[screen->cursor]->stacks;
	size_t height = (size_t)body_height() + 1;
	size_t count = 0;

	for (const char *rest = text; *rest; count++)
		rest = put_wrapped(TOP_HEAD_LINES + 1, rest);
	if (screen->scroll + height > count)
		screen->scroll = count > height ? count - height : 0;
	for (size_t i = 0; i < screen->scroll; i++)
		text = put_wrapped(TOP_HEAD_LINES + 1, text);
	for (size_t i = 0; i < height; i++) {
		move(TOP_HEAD_LINES + 1 + (int)i, 0);
		clrtoeol();
		if (*text)
			text = put_wrapped(TOP_HEAD_LINES + 1 + (int)i, text);
	}
}

static void draw(struct screen *screen)
{
	erase();
	draw_head(screen);
	if (screen->inside && screen->row_count)
		draw_stacks(screen);
	else
		draw_rows(screen);
	draw_keys(screen);
	refresh();
}

static void edit(struct screen *screen, int key)
{
	size_t size = strlen(screen->filter);

	if (key == '\n' || key == KEY_ENTER || key == KEY_ESCAPE) {
		screen->editing = false;
		if (key == KEY_ESCAPE)
			*screen->filter = '\0';
	} else if (key == KEY_BACKSPACE || key == '\b' || key == 127) {
		if (size)
			screen->filter[size - 1] = '\0';
	} else if (key >= ' ' && key < 256 && size + 1 < sizeof(screen->filter)) {
		screen->filter[size] = (char)key;
		screen->filter[size + 1] = '\0';
	}
	arrange(screen);
}

static void move_cursor(struct screen *screen, long by)
{
	long last = (long)screen->row_count - 1;
	long to = (long)screen->cursor + by;

	to = to > last ? last : to;
	screen->cursor = (size_t)(to < 0 ? 0 : to);
	if (screen->row_count)
		screen->chosen = key_of(screen->rows[screen->cursor]);
}

static void move_by(struct screen *screen, long by)
{
	long to = (long)screen->scroll + by;

	if (screen->inside)
		screen->scroll = (size_t)(to < 0 ? 0 : to);
	else
		move_cursor(screen, by);
}

static void go_inside(struct screen *screen)
{
	screen->inside = screen->row_count > 0;
	screen->scroll = 0;
}

static void press(struct screen *screen, int key)
{
	switch (key) {
	case 'q':
	case KEY_ESCAPE:
		if (screen->inside)
			screen->inside = false;
		else
			screen->leave = key == 'q';
		break;
	case '\n':
	case KEY_ENTER:
	case KEY_RIGHT:
		go_inside(screen);
		break;
	case KEY_LEFT:
		screen->inside = false;
		break;
	case 's':
		screen->order = (screen->order + 1) % TOP_ORDERS;
		arrange(screen);
		break;
	case '/':
		screen->editing = !screen->inside;
		break;
	case 'o':
		screen->open = !screen->open;
		top_show_open(screen->top, screen->open);
		look(screen);
		break;
	case 'p':
		screen->paused = !screen->paused;
		break;
	case KEY_UP:
	case 'k':
		move_by(screen, -1);
		break;
	case KEY_DOWN:
	case 'j':
		move_by(screen, 1);
		break;
	case KEY_PPAGE:
		move_by(screen, -body_height());
		break;
	case KEY_NPAGE:
		move_by(screen, body_height());
		break;
	case KEY_HOME:
		move_by(screen, -(long)screen->row_count - (long)screen->scroll);
		break;
	case KEY_END:
		move_by(screen, INT32_MAX / 2);
		break;
	default:
		break;
	}
}

/* Until a key, the next look or a signal. */
static int wait_for_key(const struct screen *screen)
{
	uint64_t moment = now();
	uint64_t left = screen->next > moment ? screen->next - moment : 0;

	timeout(left / NS_PER_MS < 60000 ? (int)(left / NS_PER_MS) + 1 : 60000);
	return getch();
}

/* getch() says the same as when no key came in time: whom no SIGHUP ends would look without a
 * pause. */
static bool terminal_is_gone(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&input, 1, 0) == 1 && input.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static void run(struct screen *screen)
{
	screen->next = now() + screen->interval;
	arrange(screen);
	while (!screen->leave && !interrupted) {
		int key;

		draw(screen);
		key = wait_for_key(screen);
		if (key == ERR && terminal_is_gone())
			break;
		if (key == ERR || now() >= screen->next) {
			if (!screen->paused)
				look(screen);
			else
				screen->next = now() + screen->interval;
		}
		if (key != ERR && screen->editing && key != KEY_RESIZE)
			edit(screen, key);
		else if (key != ERR)
			press(screen, key);
	}
	free(screen->rows);
}

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = interrupt};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* The metrics may go to a pipe: a write that fails is told, at the end. */
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

/* Lines can only be written one below the other there. */
static bool is_dumb(void)
{
	return !tigetstr("cup");
}

int top_screen(struct top *top, const struct top_start *start)
{
	struct screen screen = {
		.top = top,
		.interval = start->interval,
		.order = start->order,
		.open = start->open,
		.metrics = start->metrics,
	};
	struct held_back held;
	SCREEN *terminal;

	setlocale(LC_ALL, "");
	screen.blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		complain("TERM", "this terminal is not known: --once shows one look");
		return -1;
	}
	if (is_dumb()) {
		endwin();
		delscreen(terminal);
		complain("TERM", "this terminal has no screen: --once shows one look");
		return -1;
	}
	held_back_begin(&held);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	catch_signals();
	run(&screen);
	endwin();
	delscreen(terminal);
	held_back_end(&held);
	return 0;
}
