/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/capture.h - pcapng from a socket into files.
 *
 * A stream is blocks: a section and its interfaces first, then packets. Files
 * are rotated between two blocks, and each begins with a copy of those first
 * ones, so that every file is whole.
 *
 *	state    meaning                              left by
 *	headers  nothing but section and interfaces   the first other block
 *	packets  a file is open                       the end
 */
#ifndef CLI_CAPTURE_H
#define CLI_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli;

struct spool {
	const struct cli *cli;
	const char *path; /* "-" is standard output */
	uint64_t bytes_max; /* of a file; 0: no limit */
	uint64_t age_ns; /* of a file; 0: no limit */
	uint64_t files_max; /* that are kept; 0: all */
	uint64_t packets_max; /* then is_over; 0: no limit */

	/* The spool's. */
	char *header; /* section and interfaces */
	size_t header_len;
	bool is_begun; /* past the headers */
	int fd; /* -1: no file yet */
	uint64_t number; /* of the file */
	uint64_t bytes, opened_ns; /* of the file */
	uint64_t packets;
	bool is_over;
	char *buf; /* of a block that has not come whole */
	size_t len, size;
};

/* The first file is made at once. Returns a cli_status, having complained. */
int spool_open(struct spool *s);

/* Take octets of the stream. Returns a cli_status, having complained. */
int spool_put(struct spool *s, const char *data, size_t len);

/* Returns a cli_status, having complained. */
int spool_close(struct spool *s);

#endif /* CLI_CAPTURE_H */
