/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/metrics.h - all that is counted, as Prometheus reads it.
 *
 * One table of families (metrics.c) makes the text in either of two dialects:
 * Prometheus' own, version 0.0.4, and OpenMetrics 1.0, in which a counter's
 * family is named without _total and the end is marked.
 *
 * Who asks sees the interfaces that are theirs (world.h); what is of the
 * daemon and of the whole instance only an admin. Drop reasons that counted
 * nothing are left out, as everywhere.
 */
#ifndef EP_CTL_METRICS_H
#define EP_CTL_METRICS_H

#include "ctl/server.h"

enum ctl_dialect {
	CTL_PROMETHEUS,
	CTL_OPENMETRICS,
};

/* The media type of a dialect's text. */
const char *ctl_metrics_type(enum ctl_dialect dialect);

/*
 * Write the text into a file in memory. Gives a descriptor at its beginning, or
 * a negated errno.
 */
int ctl_metrics_open(const struct ctl_server *s, const struct ctl_who *who,
    enum ctl_dialect dialect);

#endif /* EP_CTL_METRICS_H */
