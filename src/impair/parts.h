/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/parts.h - what texts in a link stand for: a table of a distribution, a
 * compiled filter, a delivery trace.
 *
 * They are made where waiting is allowed, before anything is changed, and
 * constant from then on. Files are read once, whole, by whoever calls, with
 * that process' rights: regular files of a limited size. One that was handed
 * over is kept, so that it can be handed on.
 */
#ifndef EP_IMPAIR_PARTS_H
#define EP_IMPAIR_PARTS_H

#include "base/container.h"
#include "base/fds.h"
#include "impair/conf.h"
#include "mbuf/filter.h"

#define EP_SAMPLES_MAX   16384u /* numbers, as netem */
#define EP_SAMPLES_SCALE 8192 /* of them is one standard deviation */

/* The files that a link may name; each has a line in ep_link_files. */
enum ep_file { EP_FILE_TABLE, EP_FILE_SLOTS, EP_FILE_TRACE, EP_FILE_MAX };

/* How what was read from a file begins; malloc()ed. */
struct ep_read {
	int fd; /* of the file, ours, if it was handed over; or -1 */
};

/*
 * tc-netem(8)'s distribution: numbers with white space between them, by which
 * EP_SAMPLES_SCALE-th parts of the jitter a delay differs; `#` begins a comment.
 */
struct ep_samples {
	struct ep_read read;
	uint32_t count; /* 1 to EP_SAMPLES_MAX */
	int16_t values[];
};

#define EP_TRACE_MAX (1u << 22) /* lines */

/*
 * Mahimahi's trace: each line is a time in milliseconds, not before the last
 * one's, at which the link delivers a packet of full size. The last one's time
 * is where it begins anew.
 */
struct ep_trace {
	struct ep_read read;
	uint32_t count; /* 1 to EP_TRACE_MAX */
	uint32_t at_ms[]; /* sorted; the last is not 0 */
};

/* Each NULL where there is none. */
struct ep_link_parts {
	struct ep_read *read[EP_FILE_MAX];
	struct ep_filter *filter;
};

static inline const struct ep_samples *
ep_link_samples(const struct ep_link_parts *parts, enum ep_file file)
{
	return parts->read[file] == NULL ? NULL
					 : EP_CONTAINER_OF(parts->read[file],
					       struct ep_samples, read);
}

static inline const struct ep_trace *
ep_link_trace(const struct ep_link_parts *parts)
{
	struct ep_read *read = parts->read[EP_FILE_TRACE];

	return read == NULL ? NULL
			    : EP_CONTAINER_OF(read, struct ep_trace, read);
}

/* Such a file, by the name of its descriptor. */
struct ep_link_file {
	const char *name;
	unsigned part; /* EP_LINK_* */
	size_t path_at; /* in struct ep_link_conf */
	uint64_t max, handed_max; /* octets */
	/* As ep_samples_parse(). */
	int (*parse)(const char *name, const char *text, size_t len,
	    struct ep_read **read, struct epair_err *err);
};

extern const struct ep_link_file ep_link_files[EP_FILE_MAX];

/* Its path; "" where there is none. */
static inline const char *
ep_link_path(const struct ep_link_conf *conf, const struct ep_link_file *file)
{
	return (const char *)conf + file->path_at;
}

/* Open it, waiting for nobody. Gives a descriptor, or a negated errno. */
int ep_link_open(const char *path, struct epair_err *err);

/*
 * Make the parts of *conf that `named` says (EP_LINK_*). Files are read from
 * the descriptors of their names where there are any (with may be NULL), else
 * opened. Returns 0; -EINVAL with a sentence that names
 * file and line; -ENOMEM; what the system said of the file. *parts is then
 * empty.
 */
int ep_link_load(const struct ep_link_conf *conf, unsigned named,
    const struct ep_fds *with, struct ep_link_parts *parts,
    struct epair_err *err);

/*
 * Put what *from has in the place of what *parts had, and end what *conf has
 * no more. *from is empty then.
 */
void ep_link_replace(struct ep_link_parts *parts, struct ep_link_parts *from,
    const struct ep_link_conf *conf);

/* End them. *parts is empty then. */
void ep_link_parts_fini(struct ep_link_parts *parts);

/*
 * From text of len octets. Returns 0; -EINVAL with a sentence that begins with
 * `name`; -ENOMEM.
 */
int ep_samples_parse(const char *name, const char *text, size_t len,
    struct ep_samples **table, struct epair_err *err);
int ep_trace_parse(const char *name, const char *text, size_t len,
    struct ep_trace **trace, struct epair_err *err);

#endif /* EP_IMPAIR_PARTS_H */
