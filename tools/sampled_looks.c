/* SPDX-License-Identifier: MIT */
/* From samples to looks. */
#include <netinet/tcp.h>
#include <stdlib.h>

#include "sampled_looks.h"

#define NS_PER_MS 1000000u

static uint64_t until(const struct samples *samples, const struct sample *sample)
{
	return sample->until ? sample->until : samples->header.last;
}

static void add_ms(uint32_t *ago, uint64_t ms)
{
	*ago = ms < UINT32_MAX - *ago ? *ago + (uint32_t)ms : UINT32_MAX;
}

/* As it would have been answered at the last look: the moments that are told as "so long ago" stay
 * where the first look put them. */
static struct cw_look as_of_last(const struct samples *samples,
				 const struct sample *sample)
{
	struct cw_look look = sample->look;
	uint64_t last = until(samples, sample);
	uint64_t later = last > look.taken ? (last - look.taken) / NS_PER_MS : 0;

	look.taken += later * NS_PER_MS;
	if (sample->until && sample->until < samples->header.last)
		look.flags |= CW_LOOK_LEFT;
	if (!(look.flags & CW_LOOK_TCP))
		add_ms(&look.left_ago, later);
	add_ms(&look.last_data_sent, later);
	add_ms(&look.last_data_recv, later);
	add_ms(&look.last_ack_recv, later);
	/* What a file says has no strings in this trace. */
	look.local.path = 0;
	look.peer.path = 0;
	return look;
}

int sampled_looks_take(struct sampled_looks *looks, const struct samples *samples)
{
	looks->samples = samples;
	looks->looks = calloc(samples->header.count + 1, sizeof(*looks->looks));
	if (!looks->looks)
		return -1;
	for (uint32_t i = 0; i < samples->header.count; i++)
		looks->looks[i] = as_of_last(samples, &samples->records[i]);
	return 0;
}

void sampled_looks_free(struct sampled_looks *looks)
{
	free(looks->looks);
	*looks = (struct sampled_looks){0};
}

static const struct cw_look *sampled(void *context, const struct cw_socket *socket)
{
	const struct sampled_looks *looks = context;
	const struct sample *sample = samples_find(looks->samples, socket->cookie);

	return sample ? &looks->looks[sample - looks->samples->records] : NULL;
}

/* ms from when a sample was taken to the look; 0: it was not before. */
static uint32_t ms_later(const struct sample *sample, const struct cw_look *look)
{
	uint32_t ms = 0;

	if (look->taken > sample->look.taken)
		add_ms(&ms, (look->taken - sample->look.taken) / NS_PER_MS);
	return ms;
}

/* Keepalives have blurred when the FIN came: a look that was taken earlier knows better. When the
 * peer of an AF_UNIX socket left no later look knows at all. */
static void refine(const struct sample *sample, struct cw_look *look)
{
	uint32_t ago = ms_later(sample, look);

	if (!(look->flags & CW_LOOK_TCP)) {
		if (look->flags & CW_LOOK_HUP)
			look->left_ago = ago;
		return;
	}
	add_ms(&ago, sample->look.last_ack_recv);
	if (look->state == TCP_CLOSE_WAIT && ago > look->last_ack_recv &&
	    ago < look->last_data_recv)
		look->last_ack_recv = ago;
}

static void refine_socket(const struct sampled_looks *looks,
			  const struct trace_view *view, cw_ref ref)
{
	struct cw_socket socket;
	const struct cw_look *look;
	const struct sample *sample;

	if (!trace_socket_copy(view, ref, &socket) || !socket.cookie)
		return;
	look = trace_look(view, socket.look);
	sample = samples_find(looks->samples, socket.cookie);
	/* The bytes of the view are the command's own. */
	if (look && sample)
		refine(sample, (struct cw_look *)look);
}

/* The look that was to come next may be the one that its process did not live to see; so may the
 * first one. */
static uint64_t watched(const struct samples_header *header,
			const struct trace_view *view)
{
	uint64_t last = header->last ? header->last : view->header->started_mono;

	if (header->denied || header->missed || header->period > UINT64_MAX - last)
		return 0;
	return last + header->period;
}

void sampled_looks_attach(struct sampled_looks *looks, struct trace_view *view)
{
	size_t size = sizeof(struct cw_socket);

	for (uint32_t i = 0; i < view->extent_count; i++) {
		uint32_t count;

		if (trace_extent(view, i, NULL) != CW_EXTENT_SOCKETS)
			continue;
		count = (uint32_t)(trace_extent_used(view, i) / size);
		for (uint32_t n = 0; n < count; n++)
			refine_socket(looks, view, trace_record_ref(i, n, size));
	}
	view->sample = sampled;
	view->sample_context = looks;
	view->sampled = looks->samples->header.last;
	view->watched = watched(&looks->samples->header, view);
}
