/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

unsigned
bench_frames_make(
    struct epair *ep, struct epair_mbuf **ms, unsigned n, uint32_t len)
{
	int got = epair_mbuf_alloc(ep, ms, n, len);

	for (int i = 0; i < got; i++) {
		uint64_t *words = (void *)ms[i]->data;

		for (unsigned w = 0; w < BENCH_HEADER / sizeof(*words); w++)
			words[w] = UINT64_C(0x0200000000000002) + w;
		ms[i]->len = ms[i]->pktlen = len;
	}
	return got > 0 ? (unsigned)got : 0;
}

uint64_t
bench_frames_end(struct epair_mbuf **ms, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		const uint64_t *words = (const void *)ms[i]->data;

		for (unsigned w = 0; w < BENCH_HEADER / sizeof(*words); w++)
			sum += words[w];
	}
	epair_mbuf_free(ms, n);
	return sum;
}

bool
bench_stack(struct epair_if *ifp,
    void (*receive)(
	void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n),
    void *arg)
{
	const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = receive,
	};

	return epair_if_up(ifp) == 0 &&
	       epair_attach_stack(ifp, &stack, arg, NULL) == 0;
}
