/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "attach/attach.h"

const struct ep_kind *const ep_kinds[] = {
	&ep_kind_tap,
	&ep_kind_veth,
	&ep_kind_memif,
	&ep_kind_pcap,
	&ep_kind_qemu,
	&ep_kind_vhost,
	&ep_kind_lwip,
	&ep_kind_packet,
	&ep_kind_echo,
	&ep_kind_sink,
	&ep_kind_source,
	NULL,
};

const char *const ep_kinds_left_out[] = {
	"xdp",
	"vxlan",
	"vde",
	NULL,
};
