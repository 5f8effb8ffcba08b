/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * play.h - playing a whole trace and comparing.
 */
#ifndef PLAY_H
#define PLAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct play {
	const char *file; /* how the text is called in messages */
	FILE *out; /* where messages go */
	uint64_t budget; /* see world.h */
};

/* As much as the longest trace needs a hundred times over. */
#define PLAY_BUDGET (1u << 24)

/*
 * Play size octets of text. Each mismatch is told as file, line, expected and
 * got, up to a few; a text that is no trace as file, line and what is wrong.
 *
 * Returns how many mismatches there were; or, if it was not played to its end,
 * -EINVAL if it is no trace, -ELOOP if the budget was spent, -EBUSY if the
 * instance could not be freed, -ENOMEM.
 */
int play_text(const struct play *play, const char *text, size_t size);

#endif /* PLAY_H */
