/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture/section.h - how a pcapng section of an instance begins.
 *
 * Between an instance and pcapng.h, whose blocks these are: each call lays one
 * down and returns its size in the same way. In a SIM instance nothing of the
 * machine's is written, so that a run gives the same file wherever it is run.
 */
#ifndef EP_CAPTURE_SECTION_H
#define EP_CAPTURE_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/if.h>

struct epair;

/* What is said of an interface, as it was when looked at. */
struct ep_section_if {
	char name[EPAIR_NAME_MAX];
	char descr[EPAIR_DESCR_MAX];
	uint8_t mac[6];
};

/* Any thread, with no lock held. */
void ep_section_look(struct epair_if *ifp, struct ep_section_if *who);

/* The section header. */
size_t ep_section_begin(uint8_t *buf, size_t room, const struct epair *ep);

/* An interface block. filter may be NULL. */
size_t ep_section_interface(uint8_t *buf, size_t room,
    const struct ep_section_if *who, const char *filter, uint32_t snaplen);

/* The flags of a packet block, of those of a frame (EPAIR_M_*). */
uint32_t ep_section_flags(uint32_t flags, bool is_outbound);

#endif /* EP_CAPTURE_SECTION_H */
