/* SPDX-License-Identifier: MIT */
/* Heapsort: no memory of its own and no bad case. */
#include "sort.h"

struct heap {
	char *base;
	size_t size;
	int (*compare)(const void *a, const void *b, const void *context);
	const void *context;
	uint64_t comparisons;
};

static char *item(const struct heap *heap, size_t i)
{
	return heap->base + i * heap->size;
}

static void swap(const struct heap *heap, size_t a, size_t b)
{
	char *x = item(heap, a);
	char *y = item(heap, b);

	for (size_t i = 0; i < heap->size; i++) {
		char kept = x[i];

		x[i] = y[i];
		y[i] = kept;
	}
}

static int less(struct heap *heap, size_t a, size_t b)
{
	heap->comparisons++;
	return heap->compare(item(heap, a), item(heap, b), heap->context) < 0;
}

static void sift_down(struct heap *heap, size_t root, size_t count)
{
	size_t child;

	while ((child = 2 * root + 1) < count) {
		if (child + 1 < count && less(heap, child, child + 1))
			child++;
		if (!less(heap, root, child))
			return;
		swap(heap, root, child);
		root = child;
	}
}

uint64_t sort_heap(void *base, size_t count, size_t size,
		   int (*compare)(const void *a, const void *b, const void *context),
		   const void *context)
{
	struct heap heap = {
		.base = base, .size = size, .compare = compare, .context = context};

	for (size_t i = count / 2; i-- > 0;)
		sift_down(&heap, i, count);
	for (size_t end = count; end-- > 1;) {
		swap(&heap, 0, end);
		sift_down(&heap, 0, end);
	}
	return heap.comparisons;
}

size_t sort_first(const void *base, size_t count, size_t size, uint64_t word)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (*(const uint64_t *)((const char *)base + middle * size) < word)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
