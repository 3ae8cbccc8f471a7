/* SPDX-License-Identifier: MIT */
/* Tells whether a process has anything to be told. */
#include "telling.h"
#include "extents.h"
#include "rare.h"

/* What verdict.c's is_candidate() might take for a connection that was left. */
static bool socket_tells(const struct cw_socket *s, bool kernel_asked)
{
	uint32_t flags = atomic_load(&s->flags);

	if (!cw_word_refs(atomic_load(&s->word)) || flags & CW_SOCKET_LISTENING)
		return false;
	if (s->origin == CW_ORIGIN_INHERITED && !(flags & CW_SOCKET_TOUCHED))
		return false;
	if (kernel_asked)
		return true;
	return flags & (CW_SOCKET_CONNECTED | CW_SOCKET_EOF | CW_SOCKET_RESET) ||
	       atomic_load(&s->eofs) >= CW_EOF_SPIN;
}

static bool stats_tell(const struct cw_stats *s)
{
	return atomic_load(&s->slow) || atomic_load(&s->eof_spins) ||
	       atomic_load(&s->collected);
}

static bool extent_tells(uint32_t index, enum cw_extent_kind kind, bool kernel_asked)
{
	const struct cw_socket *sockets = extent_bytes(index);
	const struct cw_stats *stats = extent_bytes(index);

	if (kind == CW_EXTENT_SOCKETS) {
		for (size_t i = extent_carved(index, sizeof *sockets); i-- > 0;) {
			if (socket_tells(&sockets[i], kernel_asked))
				return true;
		}
	} else if (kind == CW_EXTENT_STATS) {
		for (size_t i = extent_carved(index, sizeof *stats); i-- > 0;) {
			if (stats_tell(&stats[i]))
				return true;
		}
	}
	return false;
}

HOT bool process_tells(uint32_t index, bool kernel_asked)
{
	const struct cw_process *p = extent_bytes(index);
	uint32_t count = extents_end();

	if (atomic_load(&p->double_closes) || atomic_load(&p->exhausted) ||
	    atomic_load(&p->lost[CW_LOST_SOCKETS]) ||
	    atomic_load(&p->lost[CW_LOST_FDS]) ||
	    atomic_load(&p->lost[CW_LOST_PROCESSES]))
		return true;
	for (uint32_t i = extent_next(0); i < count; i = extent_next(i + 1)) {
		uint32_t tag = atomic_load(&trace_map.extents[i].tag);

		if (cw_extent_owner(tag) == index &&
		    extent_tells(i, cw_extent_kind(tag), kernel_asked))
			return true;
	}
	return false;
}
