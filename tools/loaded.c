/* SPDX-License-Identifier: MIT */
/* Reads the list that the library keeps for `closewait run`. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "loaded.h"
#include "trace/format.h"

/* A process that goes round in exec for ever must not fill our memory. */
#define IMAGES_MAX 100000u

static int add(struct loaded_list *list, const char *line)
{
	struct loaded_image image;
	struct loaded_image *images;
	int at = 0;

	if (sscanf(line, "%d %" SCNu64 " %d %n", &image.pid, &image.start, &image.ppid,
		   &at) != 3 ||
	    !at)
		return 0;
	images = reallocarray(list->images, list->count + 1, sizeof(*images));
	if (!images)
		return -1;
	list->images = images;
	image.executable = strndup(line + at, strcspn(line + at, "\n"));
	if (!image.executable)
		return -1;
	list->images[list->count++] = image;
	return 0;
}

int loaded_list_read(struct loaded_list *list, const char *session)
{
	AUTO_FILE FILE *file = NULL;
	AUTO_FREE char *line = NULL;
	char path[PATH_MAX];
	size_t room = 0;

	*list = (struct loaded_list){0};
	snprintf(path, sizeof(path), "%s/%s", session, CW_LOADED_NAME);
	file = fopen(path, "re");
	while (file && list->count < IMAGES_MAX && getline(&line, &room, file) >= 0)
		if (add(list, line) < 0)
			return -1;
	return 0;
}

static int by_process(const void *left, const void *right)
{
	const struct loaded_image *const *a = left;
	const struct loaded_image *const *b = right;

	if ((*a)->pid != (*b)->pid)
		return (*a)->pid < (*b)->pid ? -1 : 1;
	return ((*a)->start > (*b)->start) - ((*a)->start < (*b)->start);
}

size_t loaded_list_processes(const struct loaded_list *list)
{
	AUTO_FREE const struct loaded_image **images =
		calloc(list->count + 1, sizeof(*images));
	size_t count = 0;

	if (!images)
		return list->count;
	for (size_t i = 0; i < list->count; i++)
		images[i] = &list->images[i];
	if (list->count)
		qsort(images, list->count, sizeof(*images), by_process);
	for (size_t i = 0; i < list->count; i++)
		count += !i || by_process(&images[i - 1], &images[i]) != 0;
	return count;
}

void loaded_list_free(struct loaded_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->images[i].executable);
	free(list->images);
	*list = (struct loaded_list){0};
}
