/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/show_cable.h - what a cable does to the frames of one end, and has done:
 * its link and its discipline, under what show_if() prints.
 */
#ifndef CLI_SHOW_CABLE_H
#define CLI_SHOW_CABLE_H

#include <jansson.h>

#include <epair/epair.h>

struct out;

struct show_cable {
	char words[EPAIR_LINK_TEXT_MAX]; /* "none": no link */
	struct epair_link_stats link;
	struct epair_qdisc_stats qdisc; /* of size 0: no discipline */
};

/* Look at what ifp's is; all zeros where it is destroyed. */
void show_cable_look(struct show_cable *cable, struct epair_if *ifp);

/* In lines; nothing where there is neither. */
void show_cable(struct out *out, const struct show_cable *cable);

/* Members of an interface's object: "impair", "qdisc_stats". */
void show_cable_json(json_t *object, const struct show_cable *cable);

#endif /* CLI_SHOW_CABLE_H */
