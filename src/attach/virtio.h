/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/virtio.h - the offload header that virtio puts in front of a frame,
 * and an mbuf's metadata.
 *
 * The same header is on a TAP, on a packet socket, and in a guest's ring. It is
 * in the order of the machine: of a TAP's nobody asked for another, and a guest
 * that says VIRTIO 1 has it little-endian, which we only say where that is the
 * same.
 *
 * Both header and frame are a stranger's. The header is the caller's own copy.
 */
#ifndef EP_ATTACH_VIRTIO_H
#define EP_ATTACH_VIRTIO_H

struct epair_mbuf;
struct virtio_net_hdr_v1;

#define EP_VIRTIO_HDR_LEN 12u /* of struct virtio_net_hdr_v1 */

/*
 * Take the metadata of a frame from the header in front of it.
 * Returns 0, or -EINVAL if it is not true of the frame.
 */
int ep_virtio_from_header(
    struct epair_mbuf *m, const struct virtio_net_hdr_v1 *hdr);

/* The header that says what a frame's metadata does; num_buffers is 0. */
void ep_virtio_to_header(
    const struct epair_mbuf *m, struct virtio_net_hdr_v1 *hdr);

#endif /* EP_ATTACH_VIRTIO_H */
