/* SPDX-License-Identifier: MIT */
/* The checked view of a trace: nothing in the bytes is believed before it is checked. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "view.h"

static const char magic[16] = CW_TRACE_MAGIC;

static bool all_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static int check_header(const uint8_t *bytes, size_t size)
{
	size_t have = size < sizeof(magic) ? size : sizeof(magic);

	/* A file whose maker died before it wrote the header is all holes. */
	if (all_zero(bytes, have))
		return -ENODATA;
	if (memcmp(bytes, magic, have) != 0)
		return -EBADMSG;
	if (size < sizeof(struct cw_header))
		return -ENODATA;
	return 0;
}

int trace_view_open(struct trace_view *view, const void *bytes, size_t size)
{
	const struct cw_header *header = bytes;
	uint32_t whole = (uint32_t)(size / CW_EXTENT_SIZE);
	uint32_t claimed;
	int error;

	memset(view, 0, sizeof(*view));
	error = check_header(bytes, size);
	if (error)
		return error;
	if (header->version != CW_TRACE_VERSION || header->byte_order != CW_BYTE_ORDER ||
	    header->extent_size != CW_EXTENT_SIZE ||
	    header->header_size != sizeof(struct cw_header))
		return -EPROTONOSUPPORT;
	claimed = header->extent_count;
	view->bytes = bytes;
	view->size = size;
	/* n whole extents always hold an extent table of n entries. */
	view->extent_count = claimed < whole ? claimed : whole;
	view->header = header;
	return 0;
}

int trace_view_truncated(const struct trace_view *view)
{
	return view->size < view->header->size ||
	       view->extent_count < view->header->extent_count;
}

static const struct cw_extent *extent_entry(const struct trace_view *view, uint32_t index)
{
	const void *table = view->bytes + CW_EXTENT_TABLE_OFFSET;

	return index < view->extent_count ? (const struct cw_extent *)table + index
					  : NULL;
}

enum cw_extent_kind trace_extent(const struct trace_view *view, uint32_t index,
				 uint32_t *owner)
{
	const struct cw_extent *entry = extent_entry(view, index);
	uint32_t tag =
		entry ? atomic_load_explicit(&entry->tag, memory_order_acquire) : 0;

	if (owner)
		*owner = cw_extent_owner(tag);
	if (cw_extent_kind(tag) >= CW_EXTENT_KINDS)
		return CW_EXTENT_FREE;
	return cw_extent_kind(tag);
}

const void *trace_extent_bytes(const struct trace_view *view, uint32_t index)
{
	return view->bytes + (size_t)index * CW_EXTENT_SIZE;
}

uint32_t trace_extent_used(const struct trace_view *view, uint32_t index)
{
	const struct cw_extent *entry = extent_entry(view, index);
	uint32_t used =
		entry ? atomic_load_explicit(&entry->used, memory_order_acquire) : 0;

	return used < CW_EXTENT_SIZE ? used : CW_EXTENT_SIZE;
}

/* Where `ref` points, if at least `size` bytes from there lie in an extent of `kind`; the
 * distance from the extent's start in *within. */
static const void *record(const struct trace_view *view, cw_ref ref,
			  enum cw_extent_kind kind, size_t size, size_t *within)
{
	uint64_t offset = (uint64_t)ref * 8;
	uint32_t index = (uint32_t)(offset / CW_EXTENT_SIZE);

	*within = offset % CW_EXTENT_SIZE;
	if (!ref || trace_extent(view, index, NULL) != kind)
		return NULL;
	return *within + size <= CW_EXTENT_SIZE ? view->bytes + offset : NULL;
}

/* The same for the kinds whose extents are arrays. */
static const void *array_record(const struct trace_view *view, cw_ref ref,
				enum cw_extent_kind kind, size_t size)
{
	size_t within;
	const void *found = record(view, ref, kind, size, &within);

	return found && within % size == 0 ? found : NULL;
}

const struct cw_process *trace_process(const struct trace_view *view, uint32_t extent)
{
	if (trace_extent(view, extent, NULL) != CW_EXTENT_PROCESS)
		return NULL;
	return trace_extent_bytes(view, extent);
}

const struct cw_socket *trace_socket(const struct trace_view *view, cw_ref ref)
{
	return array_record(view, ref, CW_EXTENT_SOCKETS, sizeof(struct cw_socket));
}

bool trace_socket_copy(const struct trace_view *view, cw_ref ref, struct cw_socket *copy)
{
	const struct cw_socket *socket = trace_socket(view, ref);
	uint64_t before, after;

	if (!socket)
		return false;
	before = atomic_load_explicit(&socket->word, memory_order_acquire);
	memcpy(copy, socket, sizeof(*copy));
	atomic_thread_fence(memory_order_acquire);
	after = atomic_load_explicit(&socket->word, memory_order_relaxed);
	atomic_store_explicit(&copy->word, before, memory_order_relaxed);
	return cw_word_refs(before) != 0 &&
	       cw_word_generation(before) == cw_word_generation(after);
}

void trace_aside_copy(const struct trace_view *view, const struct cw_socket *socket,
		      struct cw_aside *copy)
{
	const struct cw_aside *aside = array_record(view, socket->aside, CW_EXTENT_ASIDES,
						    sizeof(struct cw_aside));
	uint32_t generation = cw_word_generation(socket->word);
	uint32_t after;

	memset(copy, 0, sizeof(*copy));
	if (!aside ||
	    atomic_load_explicit(&aside->generation, memory_order_acquire) != generation)
		return;
	memcpy(copy, aside, sizeof(*copy));
	atomic_thread_fence(memory_order_acquire);
	after = atomic_load_explicit(&aside->generation, memory_order_relaxed);
	if (after != generation)
		memset(copy, 0, sizeof(*copy));
}

const struct cw_stats *trace_stats(const struct trace_view *view, cw_ref ref)
{
	return array_record(view, ref, CW_EXTENT_STATS, sizeof(struct cw_stats));
}

const struct cw_look *trace_look(const struct trace_view *view, cw_ref ref)
{
	return array_record(view, ref, CW_EXTENT_LOOKS, sizeof(struct cw_look));
}

const struct cw_look *trace_socket_look(const struct trace_view *view,
					const struct cw_socket *socket)
{
	const struct cw_look *newer = NULL;

	if (view->look)
		newer = view->look(view->look_context, socket);
	if (!newer)
		newer = trace_look(view, socket->look);
	if (!newer && view->sample)
		newer = view->sample(view->sample_context, socket);
	return newer;
}

const struct cw_module *trace_module(const struct trace_view *view, cw_ref ref)
{
	size_t within;

	return record(view, ref, CW_EXTENT_HEAP, sizeof(struct cw_module), &within);
}

const struct cw_code *trace_code(const struct trace_view *view, cw_ref ref)
{
	size_t within;

	return record(view, ref, CW_EXTENT_HEAP, sizeof(struct cw_code), &within);
}

const struct cw_site *trace_site(const struct trace_view *view, cw_ref ref,
				 uint32_t *count)
{
	size_t within;
	const struct cw_site *site =
		record(view, ref, CW_EXTENT_HEAP, sizeof(*site), &within);
	size_t room;

	*count = 0;
	if (!site)
		return NULL;
	room = (CW_EXTENT_SIZE - within - sizeof(*site)) / sizeof(struct cw_frame);
	*count = *(const volatile uint16_t *)&site->count;
	if (*count > CW_SITE_ALL_MAX)
		*count = CW_SITE_ALL_MAX;
	if (*count > room)
		*count = (uint32_t)room;
	return site;
}

const char *trace_bytes(const struct trace_view *view, cw_ref ref, size_t *size)
{
	size_t within;
	const struct cw_string *string =
		record(view, ref, CW_EXTENT_HEAP, sizeof(*string), &within);
	size_t room;

	*size = 0;
	if (!string)
		return NULL;
	room = CW_EXTENT_SIZE - within - sizeof(*string);
	*size = *(const volatile uint32_t *)&string->size;
	if (*size < room && *size < PATH_MAX && string->bytes[*size] == '\0')
		return string->bytes;
	*size = 0;
	return NULL;
}

const char *trace_string(const struct trace_view *view, cw_ref ref)
{
	size_t size;
	const char *string = trace_bytes(view, ref, &size);

	return string ? string : "";
}
