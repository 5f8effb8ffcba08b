/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/codec_if.h - interfaces, their counters and events, as objects.
 *
 * An object has the members of the struct that it stands for, by their names:
 * struct epair_if_info with struct epair_if_stats under `stats` and the words
 * of the link under `impairments`, struct epair_event. What is 0 or "" is left
 * out, and what is left out is that: of ten thousand idle interfaces little is
 * sent, and members that one side does not know yet do no harm.
 */
#ifndef EP_CTL_CODEC_IF_H
#define EP_CTL_CODEC_IF_H

#include <jansson.h>

#include <epair/epair.h>

/* All that can be shown of an interface. */
struct ctl_if {
	struct epair_if_info info;
	struct epair_if_stats stats;
	char link[EPAIR_LINK_TEXT_MAX]; /* "" : none */
};

/*
 * The object of an interface; a new reference, or NULL. Without stats or link
 * (NULL) it has none.
 */
json_t *ctl_if_encode(const struct epair_if_info *info,
    const struct epair_if_stats *stats, const char *link);

/* Read one. Returns 0, or -EINVAL naming the member. */
int ctl_if_decode(json_t *object, struct ctl_if *ifc, struct epair_err *err);

json_t *ctl_event_encode(const struct epair_event *ev);
int ctl_event_decode(
    json_t *object, struct epair_event *ev, struct epair_err *err);

#endif /* EP_CTL_CODEC_IF_H */
