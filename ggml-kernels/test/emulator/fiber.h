/* Stacks that one thread switches between. On x86-64 a switch is a dozen instructions; elsewhere it is ucontext's. */
#ifndef GRAFT_FIBER_H
#define GRAFT_FIBER_H
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
struct Fiber { void *stack = nullptr; };

extern "C" void graft_switch_stack(void **save, void *load);
asm(R"(
.text
.type graft_switch_stack, @function
.hidden graft_switch_stack
.globl graft_switch_stack
graft_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size graft_switch_stack, .-graft_switch_stack
)");

static inline void start_fiber(Fiber *fiber, void *stack, size_t bytes, void (*entry)()) {
  uintptr_t top = (reinterpret_cast<uintptr_t>(stack) + bytes) / 64 * 64;
  void **at = reinterpret_cast<void **>(top) - 1;   /* where `ret` leaves the stack as a call would */
  *--at = reinterpret_cast<void *>(entry);
  for (int i = 0; i < 6; i++) *--at = nullptr;
  fiber->stack = at;
}
static inline void switch_fiber(Fiber *from, Fiber *to) { graft_switch_stack(&from->stack, to->stack); }
#else
#include <ucontext.h>
struct Fiber { ucontext_t context; };
static inline void start_fiber(Fiber *fiber, void *stack, size_t bytes, void (*entry)()) {
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = stack;
  fiber->context.uc_stack.ss_size = bytes;
  fiber->context.uc_link = nullptr;
  makecontext(&fiber->context, entry, 0);
}
static inline void switch_fiber(Fiber *from, Fiber *to) { swapcontext(&from->context, &to->context); }
#endif
#endif
