/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * player FILE... - play traces of the original driver against libepair.
 *
 * Each file is one case. Mismatches go to stdout, and the last line says
 * `N passed, N failed`. Exit status 0 only if none failed, 2 without a file.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define TEXT_MAX (64u << 20)

/* The whole of a file. Returns 0, or a negated errno. */
static int
read_text(const char *path, char **text, size_t *size)
{
	FILE *file = fopen(path, "r");
	size_t room = 0, got;
	char *more;
	int error = 0;

	*text = NULL;
	*size = 0;
	if (file == NULL)
		return -errno;
	do {
		room = room > 0 ? 2 * room : 65536;
		more = room <= TEXT_MAX ? realloc(*text, room) : NULL;
		if (more == NULL) {
			error = room <= TEXT_MAX ? -ENOMEM : -EFBIG;
			break;
		}
		*text = more;
		got = fread(*text + *size, 1, room - *size, file);
		*size += got;
	} while (*size == room);
	if (error == 0 && ferror(file))
		error = errno == EISDIR ? -EISDIR : -EIO;
	fclose(file);
	return error;
}

static bool
play_file(const char *path)
{
	const struct play play = {
		.file = path,
		.out = stdout,
		.budget = PLAY_BUDGET,
	};
	char *text;
	size_t size;
	int error = read_text(path, &text, &size), bad = -1;

	if (error < 0)
		printf("%s: error: %s\n", path, strerror(-error));
	else
		bad = play_text(&play, text, size);
	free(text);
	return bad == 0;
}

int
main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		if (play_file(argv[i]))
			passed++;
		else
			failed++;
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}
