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
	"  - allow: XM_raise_partition_ipvi\n"
	"    where: {partitionId: [1, 2, self], noIpvi: {not: 25..26}}\n"
	"  - allow: [XM_hm_seek, XM_trace_seek]\n"
	"    where: {offset: -8..8, whence: XM_OBJ_SEEK_CUR}\n"
	"  - allow: XM_memory_copy\n"
	"    where: {dstId: self, dstAddr: 0x4000000.., srcId: 1, srcAddr: 8..0x1ffffffff, size: "
	"..9}\n"
	"  - allow: \"@time\"\n"
	"    limit: {rate: 6/min, burst: 2}\n"
	"  - allow: \"@status\"\n"
	"    observe_until: 2100-01-01\n"
	"  - deny: XM_get_time\n"
	"    observe_until: 2100-01-01\n"
	"  t:\n"
	"  - allow: \"@status\"\n"
	"grants:\n"
	"- {to: \"user:1\", roles: [r]}\n"
	"- {to: everyone, roles: [t], from: 2027-01-01, hours: \"22:00-06:00\", days: [fri]}\n"
	"- {to: {all: [\"group:7\", \"group:9\"]}, roles: [r]}\n"
	"- {to: everyone, roles: [r]}\n"
	"never:\n"
	"- {calls: XM_halt_system, except: [\"group:3\", {all: [\"user:1\", \"group:9\"]}]}\n"
	"- {calls: XM_reset_partition, where: {partitionId: self, status: {mask: 1, is: 1}}, "
	"except: \"user:1\"}\n"
	"- {calls: XM_write_console, where: {buffer: {length: 200..}}}\n";

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

/* What an image says about itself: texts have ends, numbers are of what there is. */
static size_t read_about(const struct policy_image *image)
{
	struct policy_source source;
	struct policy_about about;
	struct policy_limit limit;
	size_t sum = 0;
	uint32_t n;

	policy_image_about(image, &about);
	for (uint32_t i = 0; policy_image_source(image, i, &source); i++)
		sum += strlen(source.file) + strlen(source.role) + strlen(source.because);
	for (uint32_t i = 0; policy_image_limit(image, i, &limit); i++) {
		if (limit.rule >= about.n_rules || !limit.count || !limit.burst ||
		    !policy_image_find_limit(image, limit.key, &n) || n != i)
			abort();
		sum += limit.period;
	}
	return sum;
}

static void use(const struct policy_image *image)
{
	static const uint8_t name[] = "hk-1";
	static struct explanation explanation;
	uint32_t gids[] = { 9, 7, 3 };
	struct policy_subject subject = { .uid = 1, .gids = gids };
	struct policy_time time = { .now = INT64_MIN, .determined = true };

	volatile size_t sum = read_about(image);

	(void)sum;
	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, 3);
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		struct xm_request req = { .op = op };

		/* From one end of time to the other. */
		time.now += INT64_MAX / XM_N_OPS * 2;
		for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
			req.arg[i] = (struct xm_value){ .num = i, .len = 4, .data = name };
		policy_explain_decision(image, &subject, &req, op % 3, time, &explanation);
		req.arg[0].state = XM_ST_FAULT;
		policy_explain_decision(image, &subject, &req, op % 3, time, &explanation);
		/* Proofs take long: of few operations, others for other images. */
		if (op % 16 == sum % 16)
			policy_explain(image, &subject, &req, op % 3, time, &explanation);
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
