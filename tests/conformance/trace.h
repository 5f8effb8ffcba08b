/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h - reading a trace: a dialogue recorded from the original driver.
 *
 * The format is that of README.md. This is only the grammar: text in, one
 * exchange (a command and what followed it) at a time out. It knows no
 * libepair, and whatever the text holds it ends, reads nothing beyond it and
 * says in which line it did not understand.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runs.h"

/* A command and the words behind it, each with its place in trace_exchange. */
enum trace_verb {
	TRACE_BOOT,
	TRACE_VNET,
	TRACE_VNETDEL,
	TRACE_CREATE,
	TRACE_DESTROY,
	TRACE_VMOVE,
	TRACE_UP,
	TRACE_DOWN,
	TRACE_MTU,
	TRACE_FIB,
	TRACE_FORWARD,
	TRACE_TX,
	TRACE_STEP,
	TRACE_RUN,
	TRACE_STATS,
	TRACE_SHOW,
	TRACE_LIST,
};

/* What `tx` hangs on each frame. */
enum {
	TRACE_BCAST = 1u << 0,
	TRACE_MCAST = 1u << 1,
	TRACE_VLANTAG = 1u << 2,
	TRACE_SNDTAG = 1u << 3,
	TRACE_PTAG = 1u << 4, /* a persistent metadata tag */
	TRACE_NTAG = 1u << 5, /* one that is not */
};

/* Frames may be longer than any MTU allows, but not without bound. */
#define TRACE_LEN_MAX   (1u << 20)
#define TRACE_COUNT_MAX (1u << 20)

/* A command, what the original delivered, and what it answered. */
struct trace_exchange {
	enum trace_verb verb;
	unsigned line; /* of the command */
	unsigned answer_line;
	struct runs_if ifp; /* I */
	struct runs_if to; /* J; to.name is empty for `forward I -` */
	char vnet[RUNS_WORD_MAX]; /* V */
	char name[RUNS_WORD_MAX]; /* NAME */
	uint64_t number; /* H, N, COUNT */
	uint32_t len; /* LEN */
	uint32_t meta; /* TRACE_BCAST ... */
	struct runs runs; /* the delivery lines */
	const char *answer; /* within the text, without blanks around it */
	size_t answer_len;
};

struct trace {
	const char *at, *end; /* what is still to be read */
	unsigned line; /* of what was read last, from 1 */
	bool booted;
	const char *error; /* what is wrong with that line */
};

/* Begin to read size octets of text, which must stay while t is in use. */
void trace_init(struct trace *t, const char *text, size_t size);

/*
 * Read the next exchange into *x, whose runs the caller has initialised; they
 * are reused, and still the caller's to free.
 *
 * Returns 1; 0 at the end of the text; or -1 with t->error and t->line set:
 * the text is no trace, and reading on is pointless.
 */
int trace_next(struct trace *t, struct trace_exchange *x);

#endif /* TRACE_H */
