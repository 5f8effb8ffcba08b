/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwipopts.h - lwIP as we build it (its own name; see its doc and opt.h).
 *
 * Without an operating system: no thread, no clock, called by engine.c only.
 * What a peer can make it hold has limits: connections and segments come from
 * pools, of which lwIP knows whom to take from when they are empty, and frames
 * from a heap that is counted (engine.c).
 */
#ifndef EP_LWIP_LWIPOPTS_H
#define EP_LWIP_LWIPOPTS_H

#include <stddef.h>

#define NO_SYS               1
#define LWIP_TIMERS          1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_STATS           0
#define LWIP_SINGLE_NETIF    1

/* Frames: a heap. */
#define MEM_ALIGNMENT   8
#define MEM_LIBC_MALLOC 1
void *engine_malloc(size_t size);
void *engine_calloc(size_t count, size_t size);
void engine_free(void *mem);
#define mem_clib_malloc engine_malloc
#define mem_clib_calloc engine_calloc
#define mem_clib_free   engine_free

/* Everything else: pools. */
#define MEMP_NUM_TCP_PCB        512
#define MEMP_NUM_TCP_PCB_LISTEN 8
#define MEMP_NUM_TCP_SEG        16384
#define MEMP_NUM_UDP_PCB        8
#define MEMP_NUM_RAW_PCB        4
#define MEMP_NUM_PBUF           16384
#define MEMP_NUM_REASSDATA      16
#define MEMP_NUM_SYS_TIMEOUT    16
#define IP_REASS_MAX_PBUFS      128
#define PBUF_POOL_SIZE          4 /* nobody takes from it */

#define LWIP_ETHERNET             1
#define LWIP_ARP                  1
#define ARP_TABLE_SIZE            64
#define ARP_QUEUEING              1
#define LWIP_NETIF_TX_SINGLE_PBUF 0

#define LWIP_IPV4 1
#define LWIP_ICMP 1
#define LWIP_RAW  1
#define LWIP_DHCP 0
#define LWIP_DNS  0
#define LWIP_IGMP 0

#define LWIP_IPV6               1
#define LWIP_IPV6_NUM_ADDRESSES 5
/* Pointers are longer than the room in a header. */
#define IPV6_FRAG_COPYHEADER          1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0 /* addresses are there at once */
#define LWIP_IPV6_AUTOCONFIG          0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
/* Nothing between two ends snoops. */
#define LWIP_IPV6_MLD             0
#define LWIP_ND6_NUM_NEIGHBORS    64
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_ALLOW_RA_UPDATES 0 /* the interface's MTU counts */
struct netif;
struct ip6_addr;
const struct ip6_addr *engine_gateway6(
    struct netif *netif, const struct ip6_addr *dest);
#define LWIP_HOOK_ND6_GET_GW(netif, dest) engine_gateway6(netif, dest)

#define LWIP_UDP 1
#define LWIP_TCP 1
/*
 * The clock of retransmissions counts 100 ms, not lwIP's 500: a cable may lose
 * frames, and has a round trip of microseconds.
 */
#define TCP_TMR_INTERVAL 50
#define TCP_MSS          1460
#define LWIP_WND_SCALE   1
#define TCP_RCV_SCALE    4
#define TCP_WND          (512 * 1024)
#define TCP_SND_BUF      (512 * 1024)
/* It compares the window with a pool that nobody takes from. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
#define TCP_SND_QUEUELEN               (4 * TCP_SND_BUF / TCP_MSS)
#define TCP_OVERSIZE                   TCP_MSS
#define TCP_SNDLOWAT                   32768 /* has to fit in 16 bits */
#define TCP_QUEUE_OOSEQ                1
#define LWIP_TCP_SACK_OUT              1
#define LWIP_TCP_TIMESTAMPS            1
#define TCP_LISTEN_BACKLOG             1

#define LWIP_CHECKSUM_ON_COPY              1
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

#endif /* EP_LWIP_LWIPOPTS_H */
