/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kth.h - the k-th allocation fails, and no other. For a test that is linked
 * with --wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup.
 */
#ifndef KTH_H
#define KTH_H

/* From now on count: k more succeed, and the next one fails. */
void fail_at(long k);

/* Whether one was asked to that had to fail. None fails from here on. */
int has_failed(void);

#endif /* KTH_H */
