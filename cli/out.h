/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/out.h - printing without waiting for the reader.
 *
 * What is printed is kept in memory and written when the descriptor takes it,
 * so that a pager or a stopped terminal never keeps a verb from hearing a
 * signal. On a terminal the last line may be live: it is redrawn in place and
 * stands below all that is printed.
 *
 * Invariants:
 *	O1  at most OUT_PENDING_MAX octets wait; out_room() asks before more
 *	    is composed, but what a verb prints at its end is always kept
 *	O2  after the first failed write nothing more is written
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUT_PENDING_MAX (1u << 20)

struct out {
	int fd;
	bool is_tty; /* a terminal: live line and colours */
	bool is_utf8;
	bool has_colour; /* and neither NO_COLOR nor a dumb terminal */
	int error; /* errno of the first write that failed, or 0 */
	char *buf;
	size_t len, done, size; /* filled, written, allocated */
	char live[256]; /* the live line, or "" */
	bool is_drawn; /* whether the terminal shows it */
};

enum out_colour {
	OUT_PLAIN = 0,
	OUT_BOLD = 1,
	OUT_RED = 31,
	OUT_GREEN = 32,
};

void out_init(struct out *out, int fd);

/* Free what is pending. */
void out_fini(struct out *out);

void out_print(struct out *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The sequence that begins a colour, or ends it (OUT_PLAIN); "" without. */
const char *out_colour(const struct out *out, enum out_colour colour);

/* Whether there is room for more lines of what may be left out. */
bool out_room(const struct out *out);

/* Set the live line ("" takes it away). Ignored where there is none. */
void out_live(struct out *out, const char *line);

/* Width of the terminal, or 80. */
unsigned out_width(const struct out *out);

/* Whether something waits for the descriptor to become writable. */
bool out_is_pending(const struct out *out);

/* Write what the descriptor takes now. Returns 0, or -errno once it failed. */
int out_push(struct out *out);

/*
 * Write all of it, waiting for the reader until stop_fd (or -1) is readable,
 * and from then on patience_ms longer (-1: for ever).
 * Returns 0, -errno of the write, or -EAGAIN for a reader that did not read.
 */
int out_drain(struct out *out, int stop_fd, int patience_ms);

/*
 * A number of something per second in few characters: "9.81 Gb/s" from
 * (9.81e9, "b/s"). Returns buf.
 */
#define OUT_RATE_MAX 24
const char *out_rate(double value, const char *unit, char buf[OUT_RATE_MAX]);

#endif /* CLI_OUT_H */
