/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRTOS_TYPES_H
#define PRTOS_TYPES_H

/*
 * The structures of the interface with PRTOS's names of types and members.  Each has the layout of
 * the structure of <xm.h> that is named with it, which says what the members mean.
 */

#include <prtos_inc/arch/arch_types.h>
#include <xm.h>

/* A structure, or a member, lies where the one of <xm.h> does. */
#define PRTOS_SAME(type, xm_type) XM_ASSERT(sizeof(type) == sizeof(xm_type), "size of " #type)
#define PRTOS_SAME_MEMBER(type, member, xm_type, xm_member)                                        \
	XM_ASSERT(__builtin_offsetof(type, member) == __builtin_offsetof(xm_type, xm_member) &&    \
			  sizeof(((type *)0)->member) == sizeof(((xm_type *)0)->xm_member),        \
		  #type "." #member)

/* ---- ports */

typedef struct {
	prtos_time_t timestamp;
	prtos_u32_t last_msg_size;
	prtos_u32_t flags;
} prtos_sampling_port_status_t;

PRTOS_SAME(prtos_sampling_port_status_t, xmSamplingPortStatus_t);
PRTOS_SAME_MEMBER(prtos_sampling_port_status_t, timestamp, xmSamplingPortStatus_t, timestamp);
PRTOS_SAME_MEMBER(prtos_sampling_port_status_t, last_msg_size, xmSamplingPortStatus_t, lastMsgSize);
PRTOS_SAME_MEMBER(prtos_sampling_port_status_t, flags, xmSamplingPortStatus_t, flags);

typedef struct {
	char *port_name;
	prtos_time_t valid_period;
	prtos_u32_t max_msg_size;
	prtos_u32_t direction;
} prtos_sampling_port_info_t;

PRTOS_SAME(prtos_sampling_port_info_t, xmSamplingPortInfo_t);
PRTOS_SAME_MEMBER(prtos_sampling_port_info_t, port_name, xmSamplingPortInfo_t, portName);
PRTOS_SAME_MEMBER(prtos_sampling_port_info_t, valid_period, xmSamplingPortInfo_t, validPeriod);
PRTOS_SAME_MEMBER(prtos_sampling_port_info_t, max_msg_size, xmSamplingPortInfo_t, maxMsgSize);
PRTOS_SAME_MEMBER(prtos_sampling_port_info_t, direction, xmSamplingPortInfo_t, direction);

typedef struct {
	prtos_u32_t num_of_msgs;
} prtos_queuing_port_status_t;

PRTOS_SAME(prtos_queuing_port_status_t, xmQueuingPortStatus_t);
PRTOS_SAME_MEMBER(prtos_queuing_port_status_t, num_of_msgs, xmQueuingPortStatus_t, noMsgs);

typedef struct {
	char *port_name;
	prtos_u32_t max_msg_size;
	prtos_u32_t max_num_of_msgs;
	prtos_u32_t direction;
	prtos_time_t valid_period;
} prtos_queuing_port_info_t;

PRTOS_SAME(prtos_queuing_port_info_t, xmQueuingPortInfo_t);
PRTOS_SAME_MEMBER(prtos_queuing_port_info_t, port_name, xmQueuingPortInfo_t, portName);
PRTOS_SAME_MEMBER(prtos_queuing_port_info_t, max_msg_size, xmQueuingPortInfo_t, maxMsgSize);
PRTOS_SAME_MEMBER(prtos_queuing_port_info_t, max_num_of_msgs, xmQueuingPortInfo_t, maxNoMsgs);
PRTOS_SAME_MEMBER(prtos_queuing_port_info_t, direction, xmQueuingPortInfo_t, direction);
PRTOS_SAME_MEMBER(prtos_queuing_port_info_t, valid_period, xmQueuingPortInfo_t, validPeriod);

union sampling_port_cmd {
	struct {
		char *port_name;
		prtos_u32_t max_msg_size;
		prtos_u32_t direction;
		prtos_time_t valid_period;
	} create;
	prtos_sampling_port_status_t status;
	prtos_sampling_port_info_t info;
};

union queuing_port_cmd {
	struct {
		char *port_name;
		prtos_u32_t max_num_of_msgs;
		prtos_u32_t max_msg_size;
		prtos_u32_t direction;
	} create;
	prtos_queuing_port_status_t status;
	prtos_queuing_port_info_t info;
};

PRTOS_SAME(union sampling_port_cmd, union samplingPortCmd);
PRTOS_SAME_MEMBER(union sampling_port_cmd, create.port_name, union samplingPortCmd,
		  create.portName);
PRTOS_SAME_MEMBER(union sampling_port_cmd, create.max_msg_size, union samplingPortCmd,
		  create.maxMsgSize);
PRTOS_SAME_MEMBER(union sampling_port_cmd, create.direction, union samplingPortCmd,
		  create.direction);
PRTOS_SAME_MEMBER(union sampling_port_cmd, create.valid_period, union samplingPortCmd,
		  create.validPeriod);
PRTOS_SAME_MEMBER(union sampling_port_cmd, status, union samplingPortCmd, status);
PRTOS_SAME_MEMBER(union sampling_port_cmd, info, union samplingPortCmd, info);

PRTOS_SAME(union queuing_port_cmd, union queuingPortCmd);
PRTOS_SAME_MEMBER(union queuing_port_cmd, create.port_name, union queuingPortCmd, create.portName);
PRTOS_SAME_MEMBER(union queuing_port_cmd, create.max_num_of_msgs, union queuingPortCmd,
		  create.maxNoMsgs);
PRTOS_SAME_MEMBER(union queuing_port_cmd, create.max_msg_size, union queuingPortCmd,
		  create.maxMsgSize);
PRTOS_SAME_MEMBER(union queuing_port_cmd, create.direction, union queuingPortCmd, create.direction);
PRTOS_SAME_MEMBER(union queuing_port_cmd, status, union queuingPortCmd, status);
PRTOS_SAME_MEMBER(union queuing_port_cmd, info, union queuingPortCmd, info);

/* ---- health monitor and trace */

typedef struct {
	prtos_s32_t num_of_events;
	prtos_s32_t max_events;
	prtos_s32_t current_event;
} prtos_hm_status_t;

PRTOS_SAME(prtos_hm_status_t, xmHmStatus_t);
PRTOS_SAME_MEMBER(prtos_hm_status_t, num_of_events, xmHmStatus_t, noEvents);
PRTOS_SAME_MEMBER(prtos_hm_status_t, max_events, xmHmStatus_t, maxEvents);
PRTOS_SAME_MEMBER(prtos_hm_status_t, current_event, xmHmStatus_t, currentEvent);

typedef struct {
	prtos_s32_t num_of_events;
	prtos_s32_t max_events;
	prtos_s32_t current_event;
} prtos_trace_status_t;

PRTOS_SAME(prtos_trace_status_t, xmTraceStatus_t);
PRTOS_SAME_MEMBER(prtos_trace_status_t, num_of_events, xmTraceStatus_t, noEvents);
PRTOS_SAME_MEMBER(prtos_trace_status_t, max_events, xmTraceStatus_t, maxEvents);
PRTOS_SAME_MEMBER(prtos_trace_status_t, current_event, xmTraceStatus_t, currentEvent);

typedef cpuCtxt_t cpu_ctxt_t; /* pc, psr */

typedef struct {
	prtos_u16_t signature;
	prtos_u16_t checksum;
	prtos_u32_t op_code_hi;
	prtos_u32_t op_code_lo;
	prtos_time_t timestamp;
	__extension__ union {
		cpu_ctxt_t cpu_ctxt;
		prtos_word_t payload[XM_HMLOG_PAYLOAD_LENGTH];
	};
} __attribute__((packed)) prtos_hm_log_t;

PRTOS_SAME(prtos_hm_log_t, xmHmLog_t);
PRTOS_SAME_MEMBER(prtos_hm_log_t, signature, xmHmLog_t, signature);
PRTOS_SAME_MEMBER(prtos_hm_log_t, checksum, xmHmLog_t, checksum);
PRTOS_SAME_MEMBER(prtos_hm_log_t, op_code_hi, xmHmLog_t, opCodeH);
PRTOS_SAME_MEMBER(prtos_hm_log_t, op_code_lo, xmHmLog_t, opCodeL);
PRTOS_SAME_MEMBER(prtos_hm_log_t, timestamp, xmHmLog_t, timestamp);
PRTOS_SAME_MEMBER(prtos_hm_log_t, cpu_ctxt, xmHmLog_t, cpuCtxt);
PRTOS_SAME_MEMBER(prtos_hm_log_t, payload, xmHmLog_t, payload);

typedef struct {
	prtos_u16_t signature;
	prtos_u16_t checksum;
	prtos_u32_t op_code_hi;
	prtos_u32_t op_code_lo;
	prtos_time_t timestamp;
	prtos_word_t payload[XMTRACE_PAYLOAD_LENGTH];
} __attribute__((packed)) prtos_trace_event_t;

PRTOS_SAME(prtos_trace_event_t, xmTraceEvent_t);
PRTOS_SAME_MEMBER(prtos_trace_event_t, signature, xmTraceEvent_t, signature);
PRTOS_SAME_MEMBER(prtos_trace_event_t, checksum, xmTraceEvent_t, checksum);
PRTOS_SAME_MEMBER(prtos_trace_event_t, op_code_hi, xmTraceEvent_t, opCodeH);
PRTOS_SAME_MEMBER(prtos_trace_event_t, op_code_lo, xmTraceEvent_t, opCodeL);
PRTOS_SAME_MEMBER(prtos_trace_event_t, timestamp, xmTraceEvent_t, timestamp);
PRTOS_SAME_MEMBER(prtos_trace_event_t, payload, xmTraceEvent_t, payload);

union hm_cmd {
	prtos_hm_status_t status;
};

union trace_cmd {
	prtos_trace_status_t status;
};

PRTOS_SAME(union hm_cmd, union hmCmd);
PRTOS_SAME_MEMBER(union hm_cmd, status, union hmCmd, status);

PRTOS_SAME(union trace_cmd, union traceCmd);
PRTOS_SAME_MEMBER(union trace_cmd, status, union traceCmd, status);

/* ---- status */

typedef struct {
	prtos_u32_t reset_counter;
	prtos_u64_t num_of_hm_events;
	prtos_u64_t num_of_irqs;
	prtos_u64_t current_maf;
	prtos_u64_t num_of_sampling_port_msgs_read;
	prtos_u64_t num_of_sampling_port_msgs_written;
	prtos_u64_t num_of_queuing_port_msgs_sent;
	prtos_u64_t num_of_queuing_port_msgs_received;
} prtos_sys_status_t;

PRTOS_SAME(prtos_sys_status_t, xmSystemStatus_t);
PRTOS_SAME_MEMBER(prtos_sys_status_t, reset_counter, xmSystemStatus_t, resetCounter);
PRTOS_SAME_MEMBER(prtos_sys_status_t, num_of_hm_events, xmSystemStatus_t, noHmEvents);
PRTOS_SAME_MEMBER(prtos_sys_status_t, num_of_irqs, xmSystemStatus_t, noIrqs);
PRTOS_SAME_MEMBER(prtos_sys_status_t, current_maf, xmSystemStatus_t, currentMaf);
PRTOS_SAME_MEMBER(prtos_sys_status_t, num_of_sampling_port_msgs_read, xmSystemStatus_t,
		  noSamplingPortMsgsRead);
PRTOS_SAME_MEMBER(prtos_sys_status_t, num_of_sampling_port_msgs_written, xmSystemStatus_t,
		  noSamplingPortMsgsWritten);
PRTOS_SAME_MEMBER(prtos_sys_status_t, num_of_queuing_port_msgs_sent, xmSystemStatus_t,
		  noQueuingPortMsgsSent);
PRTOS_SAME_MEMBER(prtos_sys_status_t, num_of_queuing_port_msgs_received, xmSystemStatus_t,
		  noQueuingPortMsgsReceived);

typedef struct {
	prtos_u32_t state;
	prtos_u32_t op_mode;
	prtos_u64_t num_of_virqs;
	prtos_u32_t reset_counter;
	prtos_u32_t reset_status;
	prtos_time_t exec_clock;
	prtos_u64_t num_of_sampling_port_msgs_read;
	prtos_u64_t num_of_sampling_port_msgs_written;
	prtos_u64_t num_of_queuing_port_msgs_sent;
	prtos_u64_t num_of_queuing_port_msgs_received;
} prtos_part_status_t;

PRTOS_SAME(prtos_part_status_t, xmPartitionStatus_t);
PRTOS_SAME_MEMBER(prtos_part_status_t, state, xmPartitionStatus_t, state);
PRTOS_SAME_MEMBER(prtos_part_status_t, op_mode, xmPartitionStatus_t, opMode);
PRTOS_SAME_MEMBER(prtos_part_status_t, num_of_virqs, xmPartitionStatus_t, noVIrqs);
PRTOS_SAME_MEMBER(prtos_part_status_t, reset_counter, xmPartitionStatus_t, resetCounter);
PRTOS_SAME_MEMBER(prtos_part_status_t, reset_status, xmPartitionStatus_t, resetStatus);
PRTOS_SAME_MEMBER(prtos_part_status_t, exec_clock, xmPartitionStatus_t, execClock);
PRTOS_SAME_MEMBER(prtos_part_status_t, num_of_sampling_port_msgs_read, xmPartitionStatus_t,
		  noSamplingPortMsgsRead);
PRTOS_SAME_MEMBER(prtos_part_status_t, num_of_sampling_port_msgs_written, xmPartitionStatus_t,
		  noSamplingPortMsgsWritten);
PRTOS_SAME_MEMBER(prtos_part_status_t, num_of_queuing_port_msgs_sent, xmPartitionStatus_t,
		  noQueuingPortMsgsSent);
PRTOS_SAME_MEMBER(prtos_part_status_t, num_of_queuing_port_msgs_received, xmPartitionStatus_t,
		  noQueuingPortMsgsReceived);

typedef struct {
	prtos_time_t switch_time;
	prtos_s32_t next;
	prtos_s32_t current;
	prtos_s32_t prev;
} prtos_plan_status_t;

PRTOS_SAME(prtos_plan_status_t, xmPlanStatus_t);
PRTOS_SAME_MEMBER(prtos_plan_status_t, switch_time, xmPlanStatus_t, switchTime);
PRTOS_SAME_MEMBER(prtos_plan_status_t, next, xmPlanStatus_t, next);
PRTOS_SAME_MEMBER(prtos_plan_status_t, current, xmPlanStatus_t, current);
PRTOS_SAME_MEMBER(prtos_plan_status_t, prev, xmPlanStatus_t, prev);

typedef struct {
	prtos_u32_t state;
	prtos_u32_t op_mode;
} prtos_virtual_cpu_status_t;

PRTOS_SAME(prtos_virtual_cpu_status_t, xmVirtualCpuStatus_t);
PRTOS_SAME_MEMBER(prtos_virtual_cpu_status_t, state, xmVirtualCpuStatus_t, state);
PRTOS_SAME_MEMBER(prtos_virtual_cpu_status_t, op_mode, xmVirtualCpuStatus_t, opMode);

typedef struct {
	prtos_address_t p_addr;
	prtos_u32_t unused : 2;
	prtos_u32_t type : 3;
	prtos_u32_t counter : 27;
} prtos_phys_page_status_t;

PRTOS_SAME(prtos_phys_page_status_t, xmPhysPageStatus_t);
PRTOS_SAME_MEMBER(prtos_phys_page_status_t, p_addr, xmPhysPageStatus_t, pAddr);

union status_fmd {
	union {
		prtos_sys_status_t system;
		prtos_part_status_t partition;
		prtos_virtual_cpu_status_t vcpu;
		prtos_plan_status_t plan;
		prtos_phys_page_status_t phys_page;
	} status;
	prtos_u32_t op_mode;
};

PRTOS_SAME(union status_fmd, union statusCmd);
PRTOS_SAME_MEMBER(union status_fmd, status, union statusCmd, status);
PRTOS_SAME_MEMBER(union status_fmd, op_mode, union statusCmd, opMode);

/* ---- memory */

struct prtos_physical_mem_map {
	prtos_u8_t name[CONFIG_ID_STRING_LENGTH];
	prtos_address_t start_addr;
	prtos_address_t mapped_at;
	prtos_u_size_t size;
	prtos_u32_t flags;
};

PRTOS_SAME(struct prtos_physical_mem_map, struct xmPhysicalMemMap);
PRTOS_SAME_MEMBER(struct prtos_physical_mem_map, name, struct xmPhysicalMemMap, name);
PRTOS_SAME_MEMBER(struct prtos_physical_mem_map, start_addr, struct xmPhysicalMemMap, startAddr);
PRTOS_SAME_MEMBER(struct prtos_physical_mem_map, mapped_at, struct xmPhysicalMemMap, mappedAt);
PRTOS_SAME_MEMBER(struct prtos_physical_mem_map, size, struct xmPhysicalMemMap, size);
PRTOS_SAME_MEMBER(struct prtos_physical_mem_map, flags, struct xmPhysicalMemMap, flags);

union mem_cmd {
	struct {
		prtos_id_t dst_id;
		prtos_address_t dst_addr;
		prtos_id_t src_id;
		prtos_address_t src_addr;
		prtos_s_size_t size;
	} cpy_area;
};

PRTOS_SAME(union mem_cmd, union memCmd);
PRTOS_SAME_MEMBER(union mem_cmd, cpy_area.dst_id, union memCmd, cpyArea.dstId);
PRTOS_SAME_MEMBER(union mem_cmd, cpy_area.dst_addr, union memCmd, cpyArea.dstAddr);
PRTOS_SAME_MEMBER(union mem_cmd, cpy_area.src_id, union memCmd, cpyArea.srcId);
PRTOS_SAME_MEMBER(union mem_cmd, cpy_area.src_addr, union memCmd, cpyArea.srcAddr);
PRTOS_SAME_MEMBER(union mem_cmd, cpy_area.size, union memCmd, cpyArea.size);

/* ---- interrupts and tables */

struct trap_handler {
	prtos_u16_t cs;
	prtos_address_t ip;
};

PRTOS_SAME(struct trap_handler, struct trapHandler);
PRTOS_SAME_MEMBER(struct trap_handler, cs, struct trapHandler, cs);
PRTOS_SAME_MEMBER(struct trap_handler, ip, struct trapHandler, ip);

#ifdef XM_PCT_X86
struct pct_desc_reg {
	prtos_u16_t limit;
	prtos_address_t linear_base;
} __attribute__((packed));

PRTOS_SAME(struct pct_desc_reg, struct pctDescReg);
#endif

typedef struct partition_control_table {
	prtos_u32_t magic;
	prtos_u32_t prtos_version;
	prtos_u32_t prtos_abi_version;
	prtos_u32_t prtos_api_version;
	prtos_u_size_t part_ctrl_table_size;
	prtos_u32_t reset_counter;
	prtos_u32_t reset_status;
	prtos_u32_t cpu_khz;
	prtos_id_t id;
	prtos_id_t num_of_vcpus;
	prtos_u32_t flags;
	prtos_u32_t image_start;
	prtos_u32_t hw_irqs;
	prtos_s32_t num_of_physical_mem_areas;
	prtos_s32_t num_of_comm_ports;
	prtos_u8_t name[CONFIG_ID_STRING_LENGTH];
	prtos_u32_t iflags;
	prtos_u32_t hw_irqs_pend;
	prtos_u32_t hw_irqs_mask;
	prtos_u32_t ext_irqs_pend;
	prtos_u32_t ext_irqs_to_mask;
	struct {
#ifdef XM_PCT_X86
		struct pct_desc_reg gdtr;
		struct pct_desc_reg idtr;
		prtos_u32_t max_idt_vec;
		prtos_u32_t tr;
		prtos_u32_t cr4;
		prtos_word_t cr3;
		prtos_word_t cr2;
		prtos_word_t cr0;
#else
		prtos_word_t reg[5];
#endif
	} arch;
	struct {
		prtos_u32_t num_of_slots;
		prtos_u32_t id;
		prtos_u32_t slot_duration;
	} cyclic_sched_info;
	prtos_u16_t trap_to_vector[32];
	prtos_u16_t hw_irq_to_vector[CONFIG_NO_HWIRQS];
	prtos_u16_t ext_irq_to_vector[32];
} partition_control_table_t;

PRTOS_SAME(partition_control_table_t, partitionControlTable_t);
PRTOS_SAME_MEMBER(partition_control_table_t, magic, partitionControlTable_t, magic);
PRTOS_SAME_MEMBER(partition_control_table_t, prtos_version, partitionControlTable_t, xmVersion);
PRTOS_SAME_MEMBER(partition_control_table_t, prtos_abi_version, partitionControlTable_t,
		  xmAbiVersion);
PRTOS_SAME_MEMBER(partition_control_table_t, prtos_api_version, partitionControlTable_t,
		  xmApiVersion);
PRTOS_SAME_MEMBER(partition_control_table_t, part_ctrl_table_size, partitionControlTable_t,
		  partCtrlTabSize);
PRTOS_SAME_MEMBER(partition_control_table_t, reset_counter, partitionControlTable_t, resetCounter);
PRTOS_SAME_MEMBER(partition_control_table_t, reset_status, partitionControlTable_t, resetStatus);
PRTOS_SAME_MEMBER(partition_control_table_t, cpu_khz, partitionControlTable_t, cpuKhz);
PRTOS_SAME_MEMBER(partition_control_table_t, id, partitionControlTable_t, id);
PRTOS_SAME_MEMBER(partition_control_table_t, num_of_vcpus, partitionControlTable_t, noVCpus);
PRTOS_SAME_MEMBER(partition_control_table_t, flags, partitionControlTable_t, flags);
PRTOS_SAME_MEMBER(partition_control_table_t, image_start, partitionControlTable_t, imgStart);
PRTOS_SAME_MEMBER(partition_control_table_t, hw_irqs, partitionControlTable_t, hwIrqs);
PRTOS_SAME_MEMBER(partition_control_table_t, num_of_physical_mem_areas, partitionControlTable_t,
		  noPhysicalMemAreas);
PRTOS_SAME_MEMBER(partition_control_table_t, num_of_comm_ports, partitionControlTable_t,
		  noCommPorts);
PRTOS_SAME_MEMBER(partition_control_table_t, name, partitionControlTable_t, name);
PRTOS_SAME_MEMBER(partition_control_table_t, iflags, partitionControlTable_t, iFlags);
PRTOS_SAME_MEMBER(partition_control_table_t, hw_irqs_pend, partitionControlTable_t, hwIrqsPend);
PRTOS_SAME_MEMBER(partition_control_table_t, hw_irqs_mask, partitionControlTable_t, hwIrqsMask);
PRTOS_SAME_MEMBER(partition_control_table_t, ext_irqs_pend, partitionControlTable_t, extIrqsPend);
PRTOS_SAME_MEMBER(partition_control_table_t, ext_irqs_to_mask, partitionControlTable_t,
		  extIrqsMask);
PRTOS_SAME_MEMBER(partition_control_table_t, arch, partitionControlTable_t, arch);
PRTOS_SAME_MEMBER(partition_control_table_t, cyclic_sched_info, partitionControlTable_t, schedInfo);
PRTOS_SAME_MEMBER(partition_control_table_t, cyclic_sched_info.num_of_slots,
		  partitionControlTable_t, schedInfo.noSlot);
PRTOS_SAME_MEMBER(partition_control_table_t, cyclic_sched_info.id, partitionControlTable_t,
		  schedInfo.id);
PRTOS_SAME_MEMBER(partition_control_table_t, cyclic_sched_info.slot_duration,
		  partitionControlTable_t, schedInfo.slotDuration);
PRTOS_SAME_MEMBER(partition_control_table_t, trap_to_vector, partitionControlTable_t, trap2Vector);
PRTOS_SAME_MEMBER(partition_control_table_t, hw_irq_to_vector, partitionControlTable_t,
		  hwIrq2Vector);
PRTOS_SAME_MEMBER(partition_control_table_t, ext_irq_to_vector, partitionControlTable_t,
		  extIrq2Vector);
#ifdef XM_PCT_X86
PRTOS_SAME_MEMBER(partition_control_table_t, arch.gdtr, partitionControlTable_t, arch.gdtr);
PRTOS_SAME_MEMBER(partition_control_table_t, arch.idtr, partitionControlTable_t, arch.idtr);
PRTOS_SAME_MEMBER(partition_control_table_t, arch.max_idt_vec, partitionControlTable_t,
		  arch.maxIdtVec);
PRTOS_SAME_MEMBER(partition_control_table_t, arch.tr, partitionControlTable_t, arch.tr);
PRTOS_SAME_MEMBER(partition_control_table_t, arch.cr4, partitionControlTable_t, arch.cr4);
PRTOS_SAME_MEMBER(partition_control_table_t, arch.cr3, partitionControlTable_t, arch.cr3);
PRTOS_SAME_MEMBER(partition_control_table_t, arch.cr2, partitionControlTable_t, arch.cr2);
PRTOS_SAME_MEMBER(partition_control_table_t, arch.cr0, partitionControlTable_t, arch.cr0);
#endif

struct lib_prtos_params {
	partition_control_table_t *part_ctrl_table;
	struct prtos_physical_mem_map *part_mem_map;
	prtos_word_t *comm_port_bitmap;
};

PRTOS_SAME(struct lib_prtos_params, struct libXmParams);
PRTOS_SAME_MEMBER(struct lib_prtos_params, part_ctrl_table, struct libXmParams, partCtrlTab);
PRTOS_SAME_MEMBER(struct lib_prtos_params, part_mem_map, struct libXmParams, partMemMap);
PRTOS_SAME_MEMBER(struct lib_prtos_params, comm_port_bitmap, struct libXmParams, commPortBitmap);

#endif
