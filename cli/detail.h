/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/detail.h - an interface with all that a daemon told of it: what show.h
 * shows, and if it was asked for, link, discipline and histograms.
 */
#ifndef CLI_DETAIL_H
#define CLI_DETAIL_H

#include <jansson.h>

#include "ctl/codec_if.h"

struct out;

/* A block, without histograms: these are those of `epair stats`. */
void detail_show(struct out *out, const struct ctl_if *ifc);

/* A new reference, or NULL without memory. */
json_t *detail_json(const struct ctl_if *ifc);

#endif /* CLI_DETAIL_H */
