/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/codec_if.h - interfaces, their counters and events, as objects.
 *
 * An object has the members of the struct that it stands for, by their names:
 * struct epair_if_info with struct epair_if_stats under `stats` and the words
 * of the link under `impairments`, struct epair_event. As field.h has it, what
 * is 0 or "" is left out: of ten thousand idle interfaces little is sent, and
 * members that one side does not know yet do no harm. An object is made whole
 * or not at all.
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
	/* And if it was asked for: `histograms`, `link_stats`, `qdisc_stats` */
	struct epair_if_histograms histograms;
	struct epair_link_stats link_stats;
	struct epair_qdisc_stats qdisc_stats;
};

/*
 * The object of an interface; a new reference, or NULL. What has a size of 0 it
 * does not have, nor has what is read of it then.
 */
json_t *ctl_if_encode(const struct ctl_if *ifc);

/* Read one. Returns 0, or -EINVAL naming the member. */
int ctl_if_decode(json_t *object, struct ctl_if *ifc, struct epair_err *err);

json_t *ctl_event_encode(const struct epair_event *ev);
int ctl_event_decode(
    json_t *object, struct epair_event *ev, struct epair_err *err);

#endif /* EP_CTL_CODEC_IF_H */
