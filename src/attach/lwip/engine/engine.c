/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: lwIP's life, memory and assertions, and its one interface.
 *
 * lwIP asserts where a frame has led it astray. Such an assertion leaves lwIP by
 * longjmp(), back to where it was entered; from then on it is not entered again.
 * What it has allocated is in a list, so nothing is lost.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "attach/lwip/engine/engine_priv.h"

#define NS_PER_MS UINT64_C(1000000)
/* Octets that lwIP may hold of frames, in and out. */
#define HEAP_MAX ((size_t)64 << 20)

/* An Ethernet frame without its FCS. */
#define FRAME_MIN 60u

/* In front of what lwIP allocates; keeps the alignment. */
struct block {
	LIST_ENTRY(block) link;
	size_t size;
	size_t unused;
};
_Static_assert(sizeof(struct block) % 16 == 0, "keeps malloc's alignment");

static struct engine {
	const struct ep_lwip_host *host;
	void *arg;
	struct ep_lwip_conf conf;
	struct netif netif;
	ip6_addr_t gateway6;
	struct pbuf *arriving; /* between room() and input() */
	LIST_HEAD(, block) blocks;
	size_t heap;
	bool is_running;
	jmp_buf way_out; /* of the call that is in lwIP */
} engine;

struct ep_lwip_report engine_report;

/* What lwIP stands on. */

void *
engine_malloc(size_t size)
{
	struct block *block;

	if (size > HEAP_MAX - engine.heap)
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	engine.heap += size;
	LIST_INSERT_HEAD(&engine.blocks, block, link);
	return block + 1;
}

void *
engine_calloc(size_t count, size_t size)
{
	void *mem;

	if (size != 0 && count > HEAP_MAX / size)
		return NULL;
	mem = engine_malloc(count * size);
	return mem != NULL ? memset(mem, 0, count * size) : NULL;
}

void
engine_free(void *mem)
{
	struct block *block = (struct block *)mem - 1;

	engine.heap -= block->size;
	LIST_REMOVE(block, link);
	free(block);
}

uint32_t
engine_random(void)
{
	return (uint32_t)engine.host->random(engine.arg);
}

uint64_t
engine_now(void)
{
	return engine.host->now_ns(engine.arg);
}

u32_t
sys_now(void)
{
	return (u32_t)(engine_now() / NS_PER_MS);
}

void
engine_assert(const char *what)
{
	engine.is_running = false;
	engine.host->failed(engine.arg, what);
	longjmp(engine.way_out, 1);
}

void
engine_tell(const char *fmt, ...)
{
	char sentence[EP_LWIP_TELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start */
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	engine.host->tell(engine.arg, sentence);
}

/* Go into lwIP. Returns whether it came out again in one piece. */
static bool
enter(void (*what)(const void *arg), const void *arg)
{
	if (!engine.is_running || setjmp(engine.way_out) != 0)
		return false;
	what(arg);
	return true;
}

/* The interface. */

/* Without extension headers, as lwIP sends it. */
static bool
is_tcp(const struct pbuf *p)
{
	switch (pbuf_get_at(p, 12) << 8 | pbuf_get_at(p, 13)) {
	case ETHTYPE_IP:
		return pbuf_get_at(p, 23) == IP_PROTO_TCP;
	case ETHTYPE_IPV6:
		return pbuf_get_at(p, 20) == IP_PROTO_TCP;
	default:
		return false;
	}
}

/* TCP keeps what it could not send; all else would be lost. */
static err_t
transmit(struct netif *netif, struct pbuf *p)
{
	uint8_t *frame = NULL;

	(void)netif;
	if (!is_tcp(p) || engine.host->may_send(engine.arg))
		frame = engine.host->frame(engine.arg, p->tot_len);
	if (frame == NULL)
		return ERR_MEM;
	(void)pbuf_copy_partial(p, frame, p->tot_len, 0);
	engine.host->transmit(engine.arg);
	return ERR_OK;
}

static void
take_mtu(uint32_t mtu)
{
	if (mtu > EP_LWIP_MTU_MAX)
		mtu = EP_LWIP_MTU_MAX;
	engine.netif.mtu = (u16_t)mtu;
}

static err_t
init_netif(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 'p';
	netif->hwaddr_len = 6;
	memcpy(netif->hwaddr, engine.conf.mac, 6);
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
		       NETIF_FLAG_ETHERNET;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = transmit;
	take_mtu(engine.conf.mtu);
	return ERR_OK;
}

void
/* NOLINTNEXTLINE(readability-function-*): lwIP's macros */
engine_ip(const struct ep_addr *addr, ip_addr_t *ip)
{
	if (addr->family == AF_INET) {
		ip_addr_set_zero_ip4(ip);
		memcpy(&ip_2_ip4(ip)->addr, addr->octets, 4);
		return;
	}
	ip_addr_set_zero_ip6(ip);
	memcpy(ip_2_ip6(ip)->addr, addr->octets, 16);
	/* One interface: a link-local address can only mean that. */
	ip6_addr_assign_zone(ip_2_ip6(ip), IP6_UNICAST, &engine.netif);
}

const char *
engine_text(const ip_addr_t *ip)
{
	static char text[INET6_ADDRSTRLEN];
	bool is4 = IP_IS_V4(ip);
	const void *octets = is4 ? (const void *)&ip_2_ip4(ip)->addr
				 : (const void *)ip_2_ip6(ip)->addr;

	/* Not lwIP's: RFC 5952 wants small letters. */
	return inet_ntop(is4 ? AF_INET : AF_INET6, octets, text, sizeof(text));
}

const ip6_addr_t *
engine_gateway6(struct netif *netif, const ip6_addr_t *dest)
{
	(void)netif;
	(void)dest;
	return ip6_addr_isany(&engine.gateway6) ? NULL : &engine.gateway6;
}

static void
set_address(const struct ep_addr *addr)
{
	ip4_addr_t mask;
	ip_addr_t ip;
	s8_t index;

	engine_ip(addr, &ip);
	if (addr->family == AF_INET) {
		mask.addr = addr->prefix == 0
				? 0
				: lwip_htonl(UINT32_MAX << (32 - addr->prefix));
		netif_set_addr(&engine.netif, ip_2_ip4(&ip), &mask,
		    netif_ip4_gw(&engine.netif));
	} else if (netif_add_ip6_address(
		       &engine.netif, ip_2_ip6(&ip), &index) == ERR_OK) {
		netif_ip6_addr_set_state(
		    &engine.netif, index, IP6_ADDR_PREFERRED);
	}
}

static void
set_gateway(const struct ep_addr *addr)
{
	ip_addr_t ip;

	engine_ip(addr, &ip);
	if (addr->family == AF_INET)
		netif_set_gw(&engine.netif, ip_2_ip4(&ip));
	else
		engine.gateway6 = *ip_2_ip6(&ip);
}

/* Calls that go into lwIP. */

static void
start_lwip(const void *arg)
{
	const struct ep_lwip_conf *conf = &engine.conf;
	bool *is_good = *(bool *const *)arg;

	lwip_init();
	if (netif_add(&engine.netif, NULL, NULL, NULL, NULL, init_netif,
		ethernet_input) == NULL)
		return;
	netif_set_default(&engine.netif);
	netif_create_ip6_linklocal_address(&engine.netif, 1);
	netif_ip6_addr_set_state(&engine.netif, 0, IP6_ADDR_PREFERRED);
	for (unsigned i = 0; i < conf->addr_count; i++)
		set_address(&conf->addrs[i]);
	for (unsigned i = 0; i < conf->gw_count; i++)
		set_gateway(&conf->gws[i]);
	netif_set_up(&engine.netif);
	*is_good = services_open(conf->services) == ERR_OK;
}

static void
input_lwip(const void *arg)
{
	struct pbuf *p = engine.arriving;

	(void)arg;
	engine.arriving = NULL;
	if (engine.netif.input(p, &engine.netif) != ERR_OK)
		(void)pbuf_free(p);
}

static void
run_lwip(const void *arg)
{
	(void)arg;
	sys_check_timeouts();
}

static void
link_lwip(const void *arg)
{
	if (*(const bool *)arg)
		netif_set_link_up(&engine.netif);
	else
		netif_set_link_down(&engine.netif);
}

static void
writable_lwip(const void *arg)
{
	(void)arg;
	tcp_txnow();
}

static void
mac_lwip(const void *arg)
{
	memcpy(engine.netif.hwaddr, arg, 6);
	/* Say so, as for a link that is up again (gratuitous ARP). */
	if (netif_is_link_up(&engine.netif)) {
		netif_set_link_down(&engine.netif);
		netif_set_link_up(&engine.netif);
	}
}

static void
begin_lwip(const void *arg)
{
	(void)arg;
	if (engine.conf.ping.family != 0)
		ping_begin(&engine.conf);
	if (engine.conf.send.family != 0)
		send_begin(&engine.conf);
}

void
job_done(bool is_good)
{
	engine_report.jobs_left--;
	engine_report.jobs_failed += !is_good;
}

/* The contract. */

static bool
start(
    const struct ep_lwip_conf *conf, const struct ep_lwip_host *host, void *arg)
{
	bool is_good = false, *answer = &is_good;

	engine.host = host;
	engine.arg = arg;
	engine.conf = *conf;
	engine.is_running = true;
	LIST_INIT(&engine.blocks);
	engine_report.jobs_left = (conf->ping.family != 0) +
				  (conf->send.family != 0);
	return enter(start_lwip, &answer) && is_good;
}

static void
stop(void)
{
	struct block *block;

	engine.is_running = false;
	while ((block = LIST_FIRST(&engine.blocks)) != NULL) {
		LIST_REMOVE(block, link);
		free(block);
	}
}

/*
 * Not from lwIP's pool, whose buffers are shorter than a frame. And as long as a
 * wire would have it: lwIP reads an ARP packet without looking how long it is.
 */
static uint8_t *
room(uint32_t len)
{
	uint32_t padded = len > FRAME_MIN ? len : FRAME_MIN;
	struct pbuf *p = NULL;

	if (engine.is_running && len <= UINT16_MAX)
		p = pbuf_alloc(PBUF_RAW, (u16_t)padded, PBUF_RAM);
	engine.arriving = p;
	if (p == NULL)
		return NULL;
	memset((uint8_t *)p->payload + len, 0, padded - len);
	return p->payload;
}

static void
input(void)
{
	(void)enter(input_lwip, NULL);
}

static uint64_t
next(void)
{
	uint32_t ms;

	if (!engine.is_running)
		return UINT64_MAX;
	ms = sys_timeouts_sleeptime();
	if (ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
		return UINT64_MAX;
	return (engine_now() / NS_PER_MS + ms) * NS_PER_MS;
}

static uint64_t
run(void)
{
	(void)enter(run_lwip, NULL);
	return next();
}

static void
set_mac(const uint8_t mac[6])
{
	(void)enter(mac_lwip, mac);
}

static void
set_mtu(uint32_t mtu)
{
	take_mtu(mtu);
}

static void
set_link(bool is_up)
{
	(void)enter(link_lwip, &is_up);
}

static void
writable(void)
{
	(void)enter(writable_lwip, NULL);
}

static void
begin(void)
{
	(void)enter(begin_lwip, NULL);
}

static void
report(struct ep_lwip_report *report)
{
	*report = engine_report;
}

const struct ep_lwip_engine ep_lwip_engine
    __attribute__((visibility("default"))) = {
	    .start = start,
	    .stop = stop,
	    .room = room,
	    .input = input,
	    .run = run,
	    .next = next,
	    .set_mac = set_mac,
	    .set_mtu = set_mtu,
	    .set_link = set_link,
	    .writable = writable,
	    .begin = begin,
	    .report = report,
    };
