/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/scratch.h - a pair to try words on, in an instance of its own where no
 * time passes.
 *
 * What a word is by default, and whether two ways to write a value mean the
 * same, the library knows: it is asked, and nobody else has to.
 */
#ifndef EP_CTL_SCRATCH_H
#define EP_CTL_SCRATCH_H

#include <stdbool.h>

#include <epair/epair.h>

#define CTL_WORDS_MAX 64u

struct ctl_scratch {
	struct epair *ep;
	struct epair_if *ifp;
	/* Of a new interface, by epair_if_word_at(). */
	char *defaults[CTL_WORDS_MAX];
};

/* Returns 0, or a negated errno of making an instance. */
int ctl_scratch_init(struct ctl_scratch *s, struct epair_err *err);
void ctl_scratch_fini(struct ctl_scratch *s);

/*
 * Whether setting a word that is `is` to `wanted` would change it. What cannot
 * be set is said to differ: whoever tries is told why.
 */
bool ctl_scratch_differs(struct ctl_scratch *s, const char *word,
    const char *is, const char *wanted);

#endif /* EP_CTL_SCRATCH_H */
