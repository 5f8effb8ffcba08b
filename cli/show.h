/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/show.h - an interface and its events, for people and for programs.
 *
 * For people: a block as ifconfig(8) prints it. For programs: an object with
 * the keys of `ip -j -s link` where ip(8) has the thing: counters in ip's shape
 * under `stats64`, and all of ours, by their own names, under `stats`.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>

#include <epair/epair.h>

struct out;

void show_if(struct out *out, const struct epair_if_info *info,
    const struct epair_if_stats *stats);

/* A new reference, or NULL without memory. */
json_t *show_if_json(
    const struct epair_if_info *info, const struct epair_if_stats *stats);

void show_event(struct out *out, const struct epair_event *ev);

/* A new reference, or NULL without memory. */
json_t *show_event_json(const struct epair_event *ev);

/* Print doc as the one document of this run. Takes doc. */
void show_json(struct out *out, json_t *doc);

#endif /* CLI_SHOW_H */
