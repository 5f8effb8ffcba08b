/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer_memif - one end of a memif by DPDK's net_memif, on one CPU. A program of
 * its own; see bench.h.
 *
 *	peer_memif send|receive CPU SOCKET LEN SECONDS
 *
 * The receiver is the server. It says "ready" when it listens; then, from the
 * first frames on, it warms up, counts for so long, and says "answer MPPS". The
 * sender sends until it is killed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define RING   1024
#define BURST  32
#define HEADER 64
#define WARM   0.1

static struct rte_mempool *pool;
static uint64_t sink; /* so that reading is not optimised away */

static bool
open_port(void)
{
	static const struct rte_eth_conf conf;

	pool = rte_pktmbuf_pool_create(
	    "pool", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool != NULL && rte_eth_dev_count_avail() == 1 &&
	       rte_eth_dev_configure(0, 1, 1, &conf) == 0 &&
	       rte_eth_tx_queue_setup(0, 0, RING, 0, NULL) == 0 &&
	       rte_eth_rx_queue_setup(0, 0, RING, 0, NULL, pool) == 0 &&
	       rte_eth_dev_start(0) == 0;
}

static void
fill(struct rte_mbuf **ms, unsigned len)
{
	for (unsigned i = 0; i < BURST; i++) {
		uint64_t *words = (void *)rte_pktmbuf_append(
		    ms[i], (uint16_t)len);

		for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
			words[w] = UINT64_C(0x0200000000000002) + w;
	}
}

static void
send_for_ever(unsigned len)
{
	struct rte_mbuf *ms[BURST];

	for (;;) {
		uint16_t done = 0;

		if (rte_pktmbuf_alloc_bulk(pool, ms, BURST) != 0)
			continue;
		fill(ms, len);
		while (done < BURST)
			done += rte_eth_tx_burst(
			    0, 0, ms + done, (uint16_t)(BURST - done));
	}
}

static unsigned
receive_burst(void)
{
	struct rte_mbuf *ms[BURST];
	uint16_t n = rte_eth_rx_burst(0, 0, ms, BURST);

	for (uint16_t i = 0; i < n; i++) {
		const uint64_t *words = rte_pktmbuf_mtod(
		    ms[i], const uint64_t *);

		for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
			sink += words[w];
	}
	rte_pktmbuf_free_bulk(ms, n);
	return n;
}

static double
receive(double seconds)
{
	const double hz = (double)rte_get_tsc_hz();
	uint64_t begin, now, count = 0;

	while (receive_burst() == 0)
		;
	begin = rte_get_tsc_cycles() + (uint64_t)(WARM * hz);
	while (rte_get_tsc_cycles() < begin)
		(void)receive_burst();
	begin = rte_get_tsc_cycles();
	do {
		for (unsigned i = 0; i < 64; i++)
			count += receive_burst();
		now = rte_get_tsc_cycles();
	} while ((double)(now - begin) < seconds * hz);
	return (double)count / ((double)(now - begin) / hz) / 1e6;
}

int
main(int argc, char **argv)
{
	bool sends = argc == 6 && strcmp(argv[1], "send") == 0;
	char vdev[256], prefix[64];
	char *args[] = { "peer_memif", "--no-huge", "-m", "128", "--no-pci",
		"--no-telemetry", "--log-level=3", "-l", NULL, "--vdev", vdev,
		"--file-prefix", prefix, NULL };

	if (argc != 6)
		return 2;
	args[8] = argv[2];
	(void)snprintf(vdev, sizeof(vdev),
	    "net_memif0,role=%s,socket=%s,socket-abstract=no,rsize=10",
	    sends ? "client" : "server", argv[3]);
	(void)snprintf(prefix, sizeof(prefix), "bench-%d", (int)getpid());
	if (rte_eal_init(sizeof(args) / sizeof(args[0]) - 1, args) < 0 ||
	    !open_port())
		return 1;
	if (sends)
		send_for_ever((unsigned)atoi(argv[4]));
	(void)printf("ready\n");
	(void)fflush(stdout);
	(void)printf("answer %f\n", receive(atof(argv[5])));
	(void)fflush(stdout);
	(void)rte_eal_cleanup();
	return 0;
}
