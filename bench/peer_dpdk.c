/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer_dpdk - the same work through DPDK: mbufs of a mempool, a net_ring port
 * between two lcores. A program of its own; see bench.h.
 *
 * Questions: "net_ring LEN BURST". Answers: "answer MPPS".
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#define RING_SIZE 1024
#define BURST_MAX 256
#define HEADER    64
#define SECONDS   0.5

static struct rte_mempool *pool;
static uint16_t port;
static unsigned frame_len, burst;
static bool stop; /* atomic */
static uint64_t received, sink;

static int
consumer(void *arg)
{
	struct rte_mbuf *ms[BURST_MAX];
	uint64_t sum = 0;

	(void)arg;
	for (;;) {
		uint16_t n = rte_eth_rx_burst(port, 0, ms, (uint16_t)burst);

		if (n == 0) {
			if (__atomic_load_n(&stop, __ATOMIC_RELAXED))
				break;
			continue;
		}
		for (uint16_t i = 0; i < n; i++) {
			const uint64_t *words = rte_pktmbuf_mtod(
			    ms[i], const uint64_t *);

			for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
				sum += words[w];
		}
		rte_pktmbuf_free_bulk(ms, n);
		__atomic_store_n(&received, received + n, __ATOMIC_RELEASE);
	}
	sink += sum;
	return 0;
}

static unsigned
send_burst(void)
{
	struct rte_mbuf *ms[BURST_MAX];
	uint16_t done = 0;

	if (rte_pktmbuf_alloc_bulk(pool, ms, burst) != 0)
		return 0;
	for (unsigned i = 0; i < burst; i++) {
		uint64_t *words = (void *)rte_pktmbuf_append(
		    ms[i], (uint16_t)frame_len);

		for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
			words[w] = UINT64_C(0x0200000000000002) + w;
	}
	while (done < burst)
		done += rte_eth_tx_burst(
		    port, 0, ms + done, (uint16_t)(burst - done));
	return burst;
}

static double
measure(void)
{
	const uint64_t hz = rte_get_tsc_hz();
	uint64_t start, sent = 0;

	received = 0;
	stop = false;
	if (rte_eal_remote_launch(
		consumer, NULL, rte_get_next_lcore(-1, 1, 0)) != 0)
		return 0;
	start = rte_get_tsc_cycles();
	do {
		for (unsigned i = 0; i < 256; i++)
			sent += send_burst();
	} while ((double)(rte_get_tsc_cycles() - start) < SECONDS * (double)hz);
	while (__atomic_load_n(&received, __ATOMIC_ACQUIRE) < sent)
		rte_pause();
	start = rte_get_tsc_cycles() - start;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	rte_eal_mp_wait_lcore();
	return (double)sent / ((double)start / (double)hz) / 1e6;
}

static bool
open_port(void)
{
	static const struct rte_eth_conf conf;
	struct rte_ring *ring = rte_ring_create(
	    "cable", RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	int made;

	pool = rte_pktmbuf_pool_create(
	    "pool", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (ring == NULL || pool == NULL)
		return false;
	made = rte_eth_from_rings("cable", &ring, 1, &ring, 1, 0);
	if (made < 0)
		return false;
	port = (uint16_t)made;
	return rte_eth_dev_configure(port, 1, 1, &conf) == 0 &&
	       rte_eth_tx_queue_setup(port, 0, RING_SIZE, 0, NULL) == 0 &&
	       rte_eth_rx_queue_setup(port, 0, RING_SIZE, 0, NULL, pool) == 0 &&
	       rte_eth_dev_start(port) == 0;
}

int
main(void)
{
	char *args[] = { "peer_dpdk", "--no-huge", "-m", "256", "--no-pci",
		"--no-shconf", "--no-telemetry", "--log-level=3", "-l", "0,1",
		NULL };
	char line[64];

	if (rte_eal_init(sizeof(args) / sizeof(args[0]) - 1, args) < 0 ||
	    !open_port()) {
		(void)fprintf(stderr, "peer_dpdk: DPDK does not start here\n");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "net_ring %u %u", &frame_len, &burst) != 2 ||
		    burst == 0 || burst > BURST_MAX)
			return 1;
		(void)printf("answer %f\n", measure());
		(void)fflush(stdout);
	}
	(void)rte_eal_cleanup();
	return 0;
}
