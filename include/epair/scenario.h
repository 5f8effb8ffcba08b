/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/scenario.h - what a pair goes through, at which time: a list of changes,
 * in real time as in simulated time.
 *
 *	# The cable grows worse, breaks, and is mended.
 *	at 5s      link a loss 2% delay 20ms
 *	at 8s      link both cut
 *	after 500ms link both cut off
 *	at 20s     end
 *
 * A line is a time, a verb, the ends it is for (a, b or both) and what the verb
 * takes; epair-scenario(5) has all of them. Times count from the start, `after`
 * from the line before, and do not go back.
 *
 *	state    meaning                            left by
 *	read                                        start
 *	running  steps wait for their times         the last step; free
 *	ended                                       free
 *
 * Everything that can be wrong with a line is found when it is read. What the
 * pair refuses when the time has come - an address that is taken - is told by a
 * SCENARIO event and counted, and the next step comes at its time.
 */
#ifndef EPAIR_SCENARIO_H
#define EPAIR_SCENARIO_H

#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair_if;
struct epair_scenario;

#define EPAIR_SCENARIO_STEPS_MAX 65536u

/*
 * Make one of len octets of text; name is that of the file, for errors. Gives
 * *scenario, to be freed by epair_scenario_free().
 * Returns 0; -EINVAL with a sentence that begins "NAME:LINE: "; -ENOMEM.
 */
EPAIR_API int epair_scenario_parse(const char *text, size_t len,
    const char *name, struct epair_scenario **scenario, struct epair_err *err);

/*
 * The same of a file, of at most 4 MiB. Returns also what the system said;
 * -EFBIG.
 */
EPAIR_API int epair_scenario_read(
    const char *path, struct epair_scenario **scenario, struct epair_err *err);

/*
 * Begin, with the pair of which ifp is an end: its a end is `a`. Holds a
 * reference to ifp until it is freed.
 * Returns 0; -EBUSY if it was begun before; -ENOMEM.
 */
EPAIR_API int epair_scenario_start(struct epair_scenario *scenario,
    struct epair_if *ifp, struct epair_err *err);

struct epair_scenario_status {
	size_t size; /* sizeof(struct epair_scenario_status) */
	unsigned steps; /* that there are */
	unsigned done; /* that were made, or refused */
	unsigned refused; /* of these */
	int ended; /* `end` has come */
	uint64_t length_ns; /* from the start to the last step */
};

/* Returns 0, or -EINVAL for the size. */
EPAIR_API int epair_scenario_get_status(
    struct epair_scenario *scenario, struct epair_scenario_status *status);

/*
 * End and free it: no step is made after it returns. Not from a callback of its
 * pair, nor from what a step calls. NULL is ignored.
 */
EPAIR_API void epair_scenario_free(struct epair_scenario *scenario);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_SCENARIO_H */
