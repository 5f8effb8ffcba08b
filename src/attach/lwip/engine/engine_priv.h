/* SPDX-License-Identifier: BSD-2-Clause */
/* attach/lwip/engine/engine_priv.h - what the files of the engine share. */
#ifndef EP_ATTACH_LWIP_ENGINE_PRIV_H
#define EP_ATTACH_LWIP_ENGINE_PRIV_H

#include "attach/lwip/engine.h"

#include <lwip/err.h>
#include <lwip/ip_addr.h>

/* The instance's clock. */
uint64_t engine_now(void);

/* Tell the user. */
void engine_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An address as lwIP has it. */
void engine_ip(const struct ep_addr *addr, ip_addr_t *ip);

/* An address for people; valid until the next call. */
const char *engine_text(const ip_addr_t *ip);

/* services.c: open what is asked for. */
err_t services_open(uint32_t wanted);

/* ping.c, send.c: begin. Each ends by one job_done(). */
void ping_begin(const struct ep_lwip_conf *conf);
void send_begin(const struct ep_lwip_conf *conf);

/* engine.c: the jobs' account. */
extern struct ep_lwip_report engine_report;
void job_done(bool is_good);

#endif /* EP_ATTACH_LWIP_ENGINE_PRIV_H */
