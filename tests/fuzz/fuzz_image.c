// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes as an image: refused, or safe to decide by.  An even first byte: the rest is the image.
 * An odd one: the rest patches a good image, four bytes a patch (offset, offset, offset, value).
 * Header sums are made right in both cases, else nothing would get past them.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/explain.h"
#include "policy/image_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] =
	"version: 1\n"
	"system: \"loopback:\"\n"
	"roles:\n"
	"  r:\n"
	"  - allow: \"@ports\"\n"
	"    where: {portName: [attitude, \"hk-*\", {not: commands}]}\n"
	"  - allow: XM_reset_partition\n"
	"    where: {partitionId: {not: [self, camera]}, status: [0..15, {mask: 0xF0, is: 0x10}]}\n"
	"  - allow: \"@partition\"\n"
	"  - deny: XM_write_console\n"
	"    where: {buffer: {length: 100..}}\n"
	"grants:\n"
	"- {to: \"user:1\", roles: [r]}\n"
	"- {to: {all: [\"group:7\", \"group:9\"]}, roles: [r]}\n"
	"- {to: everyone, roles: [r]}\n";

static const uint8_t *base;
static size_t base_len;

static void make_base(void)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION };
	void *block = NULL;
	struct diag diag;

	diag_init(&diag);
	if (policy_compile_text("p.yaml", policy, sizeof(policy) - 1, &options, &diag, &block,
				&base_len))
		abort();
	diag_free(&diag);
	base = block;
}

static uint8_t *make_image(const uint8_t *data, size_t size, size_t *lenp)
{
	uint8_t *copy;

	if (!size || !(data[0] & 1)) {
		*lenp = size ? size - 1 : 0;
		copy = malloc(*lenp + 1);
		if (copy && *lenp)
			memcpy(copy, data + 1, *lenp);
		return copy;
	}
	*lenp = base_len;
	copy = malloc(base_len);
	if (!copy)
		return NULL;
	memcpy(copy, base, base_len);
	for (size_t i = 1; i + 4 <= size; i += 4)
		copy[(data[i] | data[i + 1] << 8 | data[i + 2] << 16) % base_len] = data[i + 3];
	return copy;
}

static void fix_header(uint8_t *copy, size_t len)
{
	struct policy_image *header = (void *)copy;

	if (len < sizeof(*header))
		return;
	header->magic = IMAGE_MAGIC;
	header->version = IMAGE_VERSION;
	header->size = (uint32_t)len;
	header->vocabulary = image_vocabulary();
	header->checksum = image_checksum(copy, len);
}

static void use(const struct policy_image *image)
{
	static const uint8_t name[] = "hk-1";
	static struct explanation explanation;
	uint32_t gids[] = { 9, 7, 3 };
	struct policy_subject subject = { .uid = 1, .gids = gids };

	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, 3);
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		struct xm_request req = { .op = op };

		for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
			req.arg[i] = (struct xm_value){ .num = i, .len = 4, .data = name };
		policy_explain(image, &subject, &req, op % 3, &explanation);
		req.arg[0].state = XM_ST_FAULT;
		policy_explain(image, &subject, &req, op % 3, &explanation);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy_image *image;
	uint8_t *copy;
	size_t len;

	if (!base)
		make_base();
	copy = make_image(data, size, &len);
	if (!copy)
		return 0;
	fix_header(copy, len);
	image = policy_image_verify(copy, len);
	if (image)
		use(image);
	free(copy);
	return 0;
}
