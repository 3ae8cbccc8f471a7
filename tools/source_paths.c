/* SPDX-License-Identifier: MIT */
/* Joining directories and files, each pair once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain_path.h"
#include "source_paths.h"
#include "trace/stack_hash.h"

/* Debug information may name more than there is memory for. */
#define PATHS_MAX 16384u

#define BUCKETS 256u

struct source_path {
	const char *directory;
	const char *file;
	char *full;
	struct source_path *next;
};

struct source_paths {
	struct source_path *buckets[BUCKETS];
	unsigned count;
};

struct source_paths *source_paths_new(void)
{
	return calloc(1, sizeof(struct source_paths));
}

static struct source_path *add(struct source_paths *paths, const char *directory,
			       const char *file, struct source_path **bucket)
{
	struct source_path *path;

	if (paths->count == PATHS_MAX)
		return NULL;
	path = calloc(1, sizeof(*path));
	if (!path)
		return NULL;
	if (asprintf(&path->full, "%s/%s", directory, file) >= 0) {
		/* Never longer than it was: it may be made plain in its place. */
		plain_path(path->full, strlen(path->full) + 1, path->full);
	} else {
		free(path);
		return NULL;
	}
	path->directory = directory;
	path->file = file;
	path->next = *bucket;
	*bucket = path;
	paths->count++;
	return path;
}

const char *source_path(struct source_paths *paths, const char *directory,
			const char *file)
{
	struct source_path **bucket;
	struct source_path *path;
	uint64_t hash;

	if (!paths || !file || *file == '/' || !directory)
		return file;
	hash = hash_word((uintptr_t)directory, (uintptr_t)file);
	bucket = &paths->buckets[(hash ^ hash >> 32) % BUCKETS];
	for (path = *bucket; path; path = path->next)
		if (path->directory == directory && path->file == file)
			return path->full;
	path = add(paths, directory, file, bucket);
	return path ? path->full : file;
}

void source_paths_free(struct source_paths *paths)
{
	for (unsigned i = 0; paths && i < BUCKETS; i++) {
		while (paths->buckets[i]) {
			struct source_path *path = paths->buckets[i];

			paths->buckets[i] = path->next;
			free(path->full);
			free(path);
		}
	}
	free(paths);
}
