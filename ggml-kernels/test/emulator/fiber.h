/* Stacks that one thread switches between. On x86-64 a switch is a dozen instructions; elsewhere it is ucontext's. */
#ifndef GRAFT_FIBER_H
#define GRAFT_FIBER_H
#include <cstddef>
#include <cstdint>

/* The address sanitizer is told of every switch, and that a stack begins anew. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
struct FiberStack {
  const void *bottom = nullptr;
  size_t bytes = 0;
  void *fake = nullptr;
  void fresh(void *stack, size_t size) {
    __asan_unpoison_memory_region(stack, size);
    bottom = stack, bytes = size, fake = nullptr;
  }
  void leave_for(FiberStack *to) { __sanitizer_start_switch_fiber(&fake, to->bottom, to->bytes); }
  void back() { __sanitizer_finish_switch_fiber(fake, nullptr, nullptr); }
  /* The first thing on a fresh stack; `from` is who switched to it. */
  static void entered(FiberStack *from) { __sanitizer_finish_switch_fiber(nullptr, &from->bottom, &from->bytes); }
};
#else
struct FiberStack {
  void fresh(void *, size_t) {}
  void leave_for(FiberStack *) {}
  void back() {}
  static void entered(FiberStack *) {}
};
#endif

#if defined(__x86_64__)
struct Fiber : FiberStack { void *stack = nullptr; };

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
  fiber->fresh(stack, bytes);
  uintptr_t top = (reinterpret_cast<uintptr_t>(stack) + bytes) / 64 * 64;
  void **at = reinterpret_cast<void **>(top) - 1;   /* where `ret` leaves the stack as a call would */
  *--at = reinterpret_cast<void *>(entry);
  for (int i = 0; i < 6; i++) *--at = nullptr;
  fiber->stack = at;
}
static inline void switch_fiber(Fiber *from, Fiber *to) {
  from->leave_for(to);
  graft_switch_stack(&from->stack, to->stack);
  from->back();
}
#else
#include <ucontext.h>
struct Fiber : FiberStack { ucontext_t context; };
static inline void start_fiber(Fiber *fiber, void *stack, size_t bytes, void (*entry)()) {
  fiber->fresh(stack, bytes);
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = stack;
  fiber->context.uc_stack.ss_size = bytes;
  fiber->context.uc_link = nullptr;
  makecontext(&fiber->context, entry, 0);
}
static inline void switch_fiber(Fiber *from, Fiber *to) {
  from->leave_for(to);
  swapcontext(&from->context, &to->context);
  from->back();
}
#endif
#endif
