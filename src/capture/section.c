/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/section.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <epair/mbuf.h>

#include "capture/pcapng.h"
#include "net/ifnet.h"

/* 10Gbase-T, the one media that there is; bits per second. */
#define SPEED UINT64_C(10000000000)

void
ep_section_look(struct epair_if *ifp, struct ep_section_if *who)
{
	ep_lock(&ifp->ep->lock);
	memcpy(who->name, ifp->name, sizeof(who->name));
	memcpy(who->descr, ifp->descr, sizeof(who->descr));
	memcpy(who->mac, ifp->mac, sizeof(who->mac));
	ep_unlock(&ifp->ep->lock);
}

size_t
ep_section_begin(uint8_t *buf, size_t room, const struct epair *ep)
{
	struct ep_pcapng_section section = { 0 };
	struct utsname machine;
	char os[sizeof(machine.sysname) + sizeof(machine.release)];

	if (ep->opts.way != EPAIR_SIM && uname(&machine) == 0) {
		(void)snprintf(
		    os, sizeof(os), "%s %s", machine.sysname, machine.release);
		section.os = os;
		section.userappl = "libepair " EP_VERSION;
	}
	return ep_pcapng_section(buf, room, &section);
}

size_t
ep_section_interface(uint8_t *buf, size_t room, const struct ep_section_if *who,
    const char *filter, uint32_t snaplen)
{
	struct ep_pcapng_interface interface = {
		.name = who->name,
		.description = who->descr,
		.filter = filter,
		.speed = SPEED,
		.snaplen = snaplen,
	};

	memcpy(interface.mac, who->mac, sizeof(interface.mac));
	return ep_pcapng_interface(buf, room, &interface);
}

uint32_t
ep_section_flags(uint32_t flags, bool is_outbound)
{
	uint32_t way = is_outbound ? EP_PCAPNG_OUTBOUND : EP_PCAPNG_INBOUND;

	if ((flags & EPAIR_M_BCAST) != 0)
		return way | EP_PCAPNG_BROADCAST;
	if ((flags & EPAIR_M_MCAST) != 0)
		return way | EP_PCAPNG_MULTICAST;
	return way | EP_PCAPNG_UNICAST;
}
