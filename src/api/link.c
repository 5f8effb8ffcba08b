/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/link.c - what a cable does to frames, through the public interface.
 */
#include <epair/link.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/sized.h"
#include "impair/impair.h"
#include "pair/pair.h"

_Static_assert(EPAIR_LINK_TEXT_MAX == EP_LINK_TEXT_MAX, "one limit");

int
epair_if_set_link(
    struct epair_if *ifp, const char *words, struct epair_err *err)
{
	return ep_pair_set_link(ifp, words, NULL, err);
}

int
epair_if_get_link(struct epair_if *ifp, char *buf, size_t size)
{
	return ep_pair_get_link(ifp, buf, size);
}

int
epair_link_format(
    const char *words, char *buf, size_t size, struct epair_err *err)
{
	struct ep_link_conf conf = { 0 };
	unsigned named;
	int error = ep_link_parse(words, &conf, &named, err);

	return error != 0 ? error : ep_link_format(&conf, buf, size);
}

/* Files. */

static int
no_room(unsigned max, struct epair_err *err)
{
	return ep_fail(
	    err, -ENOSPC, "the link has more than %u descriptors", max);
}

const char *
epair_link_fd_at(unsigned i)
{
	return i < EP_FILE_MAX ? ep_link_files[i].name : NULL;
}

int
epair_link_needs(
    const char *words, const char **names, unsigned max, struct epair_err *err)
{
	struct ep_link_conf conf;
	unsigned files, n = 0;
	int error = ep_link_parse_files(words, &conf, &files, err);

	for (unsigned i = 0; i < EP_FILE_MAX && error == 0; i++) {
		if ((files & ep_link_files[i].part) == 0)
			continue;
		if (n == max)
			error = no_room(max, err);
		else
			names[n++] = ep_link_files[i].name;
	}
	return error != 0 ? error : (int)n;
}

int
epair_link_open(const char *words, struct epair_fd *fds, unsigned max,
    struct epair_err *err)
{
	struct ep_fds_out out = { .fds = fds, .max = max };
	struct ep_link_conf conf;
	unsigned files;
	int fd;

	out.error = ep_link_parse_files(words, &conf, &files, err);
	for (unsigned i = 0; i < EP_FILE_MAX && out.error == 0; i++) {
		const struct ep_link_file *file = &ep_link_files[i];

		if ((files & file->part) == 0)
			continue;
		fd = out.count == max
			 ? no_room(max, err)
			 : ep_link_open(ep_link_path(&conf, file), err);
		if (fd >= 0)
			fds[out.count++] = (struct epair_fd){ file->name, fd };
		else
			out.error = fd;
	}
	return ep_fds_end(&out);
}

static bool
is_one_of(const char *name, unsigned files)
{
	for (unsigned i = 0; i < EP_FILE_MAX; i++)
		if ((files & ep_link_files[i].part) != 0 &&
		    strcmp(ep_link_files[i].name, name) == 0)
			return true;
	return false;
}

int
epair_if_set_link_fds(struct epair_if *ifp, const char *words,
    const struct epair_fd *fds, unsigned count, struct epair_err *err)
{
	const struct ep_fds with = { fds, count };
	struct ep_link_conf conf;
	unsigned files;
	int error = ep_link_parse_files(words, &conf, &files, err);

	for (unsigned i = 0; i < count && error == 0; i++)
		if (!is_one_of(fds[i].name, files))
			error = ep_fail(err, -EINVAL,
			    "the link has no file for a descriptor '%.16s'",
			    fds[i].name);
	return error != 0 ? error : ep_pair_set_link(ifp, words, &with, err);
}

int
epair_if_get_link_fds(struct epair_if *ifp, struct epair_fd *fds, unsigned max)
{
	struct ep_fds_out out = { .fds = fds, .max = max };

	ep_pair_get_link_fds(ifp, &out);
	return ep_fds_end(&out);
}

static void
add_held(struct epair_link_stats *s, struct ep_impair *imp)
{
	ep_lock(&imp->lock);
	s->waiting = imp->line.count;
	s->waiting_bytes = imp->line.bytes;
	s->under_way = ep_held_count(&imp->held);
	s->under_way_bytes = ep_held_bytes(&imp->held);
	ep_unlock(&imp->lock);
}

int
epair_if_get_link_stats(struct epair_if *ifp, struct epair_link_stats *stats)
{
	struct epair_link_stats all = {
		.sent = ep_load_relaxed(&ifp->linked.packets),
		.duplicated = ep_load_relaxed(&ifp->linked.duplicated),
		.corrupted = ep_load_relaxed(&ifp->linked.corrupted),
		.reordered = ep_load_relaxed(&ifp->linked.reordered),
		.marked = ep_load_relaxed(&ifp->linked.marked),
		.dropped = ep_load_relaxed(&ifp->linked.dropped),
	};

	/* It goes away only under the lock. */
	ep_lock(&ifp->ep->lock);
	if (ifp->impair != NULL)
		add_held(&all, ifp->impair);
	ep_unlock(&ifp->ep->lock);
	return ep_sized_give(stats, &all, sizeof(all));
}
