/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void
ep_index_init(struct ep_index *ix, uint32_t max)
{
	*ix = (struct ep_index){ .max = max };
}

void
ep_index_fini(struct ep_index *ix)
{
	free(ix->words);
	ix->words = NULL;
	ix->word_count = 0;
}

bool
ep_index_has(const struct ep_index *ix, uint32_t n)
{
	return n / 64 < ix->word_count &&
	       (ix->words[n / 64] >> (n % 64) & 1) != 0;
}

static int
grow(struct ep_index *ix, uint32_t n)
{
	uint32_t want = n / 64 + 1, count = ix->word_count;
	uint64_t *words;

	if (want <= count)
		return 0;
	if (want < count * 2)
		want = count * 2;
	words = realloc(ix->words, want * sizeof(*words));
	if (words == NULL)
		return -ENOMEM;
	memset(words + count, 0, (want - count) * sizeof(*words));
	ix->words = words;
	ix->word_count = want;
	return 0;
}

int
ep_index_take_at(struct ep_index *ix, uint32_t n)
{
	int error;

	if (n > ix->max)
		return -ENOSPC;
	if (ep_index_has(ix, n))
		return -EEXIST;
	error = grow(ix, n);
	if (error != 0)
		return error;
	ix->words[n / 64] |= UINT64_C(1) << (n % 64);
	return 0;
}

int
ep_index_take(struct ep_index *ix, uint32_t from, uint32_t *n)
{
	uint32_t w = ix->full_below, found;

	while (w < ix->word_count && ix->words[w] == UINT64_MAX)
		w++;
	ix->full_below = w;
	if (w < from / 64)
		w = from / 64;
	for (;; w++) {
		uint64_t used = w < ix->word_count ? ix->words[w] : 0;

		if (w == from / 64)
			used |= (UINT64_C(1) << (from % 64)) - 1;
		if (used != UINT64_MAX) {
			found = w * 64 + (uint32_t)__builtin_ctzll(~used);
			break;
		}
	}
	*n = found;
	return ep_index_take_at(ix, found);
}

void
ep_index_put(struct ep_index *ix, uint32_t n)
{
	EP_ASSERT(ep_index_has(ix, n));
	ix->words[n / 64] &= ~(UINT64_C(1) << (n % 64));
	if (n / 64 < ix->full_below)
		ix->full_below = n / 64;
}
