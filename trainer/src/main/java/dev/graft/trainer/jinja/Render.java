package dev.graft.trainer.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The state of one rendering: output, variables of the context, and what is left of the limits. One thread only. */
final class Render {
    /** Levels of the syntax tree evaluated on the caller's stack; deeper recursion moves to a thread of its own. */
    private static final int CALLER_LEVELS = 700;

    private static final long DEEP_STACK_BYTES = 256L << 20;
    private static final int MAX_NESTED_DATA = 400;

    /** What a small object counts for, in characters. */
    static final int OBJECT = 40;

    final RenderOptions options;
    private StringBuilder out = new StringBuilder();
    private Map<String, Object> context = Map.of();
    private Scope root;
    private Map<String, Stmt.Block> blocks = Map.of();
    private long steps;
    private long allocated;
    private int calls;
    private int levels;
    private int nested;
    private boolean deep;
    private int line;

    Render(RenderOptions options) {
        this.options = options;
        this.steps = options.maxSteps();
    }

    String run(Body body, Map<String, Object> variables) {
        context = new HashMap<>();
        for (Map.Entry<String, Object> e : variables.entrySet()) {
            context.put(e.getKey(), Values.fromJava(e.getValue(), 0));
        }
        blocks = Stmt.Block.collect(body);
        root = new Scope(null);
        body.exec(this, root);
        return out.toString();
    }

    /** A variable of the context, or else a global function, or else undefined. */
    Object global(String name) {
        Object v = context.get(name);
        if (v != null || context.containsKey(name)) {
            return v;
        }
        if (name.equals("self")) {
            return new PyObjects.BlockSelf(blocks);
        }
        Object g = Globals.get(name);
        return g != null ? g : new Undefined(null, Undefined.MISSING, name);
    }

    Scope root() {
        return root;
    }

    /** Counts one step. */
    void step() {
        if (--steps < 0) {
            throw tooLong();
        }
    }

    /** Counts steps for work on {@code n} characters or elements. */
    void work(long n) {
        steps -= n;
        if (steps < 0) {
            throw tooLong();
        }
    }

    private TemplateException tooLong() {
        steps = 0;
        return TemplateException.limit("template runs for more than " + options.maxSteps() + " steps");
    }

    /** Call before creating {@code n} characters or elements. */
    void allocate(long n) {
        allocated += n;
        if (n < 0 || allocated > options.maxAllocation() || allocated < 0) {
            allocated = options.maxAllocation();
            throw TemplateException.limit("template creates more than " + options.maxAllocation() + " characters");
        }
        work(n >> 4);
    }

    /** Counts a string that a filter or method has made, and returns it. */
    String made(String s) {
        allocate(s.length() + (long) OBJECT);
        return s;
    }

    void write(String s) {
        if ((long) out.length() + s.length() > options.maxOutput()) {
            throw TemplateException.limit("output longer than " + options.maxOutput() + " characters");
        }
        allocate(s.length());
        out.append(s);
    }

    /** Runs {@code action} and returns what it wrote. */
    String capture(Runnable action) {
        StringBuilder outer = out;
        out = new StringBuilder();
        try {
            action.run();
            return out.toString();
        } finally {
            out = outer;
        }
    }

    /** Guards recursion through data; pair with {@link #leave()}. */
    void enter() {
        step();
        if (++nested > MAX_NESTED_DATA) {
            nested--;
            throw TemplateException.limit("values nest more than " + MAX_NESTED_DATA + " levels deep");
        }
    }

    void leave() {
        nested--;
    }

    /** Evaluates a macro or recursive loop whose syntax tree is {@code height} levels deep. */
    <T> T call(int height, Supplier<T> action) {
        if (calls >= options.maxRecursion()) {
            throw TemplateException.limit("recursion deeper than " + options.maxRecursion() + " calls");
        }
        calls++;
        levels += height;
        try {
            if (levels <= CALLER_LEVELS || deep) {
                return action.get();
            }
            deep = true;
            try {
                return onDeepStack(action);
            } finally {
                deep = false;
            }
        } finally {
            levels -= height;
            calls--;
        }
    }

    private static <T> T onDeepStack(Supplier<T> action) {
        Object[] result = new Object[1];
        Throwable[] failure = new Throwable[1];
        Thread thread = new Thread(
                null,
                () -> {
                    try {
                        result[0] = action.get();
                    } catch (Throwable t) {
                        failure[0] = t;
                    }
                },
                "jinja-deep",
                DEEP_STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure[0] instanceof RuntimeException e) {
            throw e;
        }
        if (failure[0] instanceof Error e) {
            throw e;
        }
        @SuppressWarnings("unchecked")
        T value = (T) result[0];
        return value;
    }

    void at(int newLine) {
        line = newLine;
    }

    int line() {
        return line;
    }

    /** The exception with the line where it happened, if it has none. */
    TemplateException located(TemplateException e) {
        if (e.line() > 0 || line == 0) {
            return e;
        }
        String message = e.kind() == TemplateException.Kind.RAISED ? e.getMessage() : "line " + line + ": " + e.getMessage();
        return new TemplateException(e.kind(), message, line, e);
    }
}
