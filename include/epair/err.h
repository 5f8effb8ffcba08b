/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/err.h - an error with a sentence.
 */
#ifndef EPAIR_ERR_H
#define EPAIR_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

#define EPAIR_API __attribute__((visibility("default")))

#define EPAIR_ERR_TEXT_MAX 256

/*
 * What was wrong, where, and what would be right, as one sentence without a
 * full stop or newline. Belongs to the caller; filled only when the call that
 * took it fails.
 */
struct epair_err {
	int code; /* the negated errno that the call returned */
	char text[EPAIR_ERR_TEXT_MAX];
};

/*
 * The name of an error ("ENXIO"), for a code of either sign; "0" for 0 and
 * "E?" for one that has no name. A constant string.
 */
EPAIR_API const char *epair_err_name(int code);

/* The library's version, "0.1.0". A constant string. */
EPAIR_API const char *epair_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_ERR_H */
