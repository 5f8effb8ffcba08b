/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c - libFuzzer's place where there is none: runs a fuzz target once
 * over every file of a corpus, each as one TAP test case.
 *
 *	fuzz-x CORPUS		every file of a folder, in order of name
 *	fuzz-x FILE		that file, to look at a crash under a debugger
 *
 * The empty input is always the first case, so a target with no corpus yet is
 * still run. A target that finds a fault aborts; the last line then names the
 * file.
 */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned cases;

static void
run(const char *name, const uint8_t *data, size_t size)
{
	printf("# %s\n", name);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(data, size);
	printf("ok %u - %s\n", ++cases, name);
}

static void
run_file(const char *path, const char *name)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (file == NULL || (data = malloc(INPUT_MAX)) == NULL) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);

	/* Exactly as large as the input, so that a sanitizer sees overreads. */
	data = realloc(data, size > 0 ? size : 1);
	if (data != NULL)
		run(name, data, size);
	free(data);
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
run_folder(const char *folder)
{
	struct dirent **entries;
	char path[4096];
	int count = scandir(folder, &entries, is_visible, alphasort);

	if (count < 0 && errno == ENOTDIR) {
		run_file(folder, folder);
		return;
	}
	for (int i = 0; i < count; i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		run_file(path, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int
main(int argc, char **argv)
{
	run("empty", (const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		run_folder(argv[i]);
	printf("1..%u\n", cases);
	return 0;
}
