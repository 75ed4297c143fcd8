package dev.graft.trainer.jinja;

import java.time.Clock;
import java.util.Objects;

/**
 * How to render: the clock that {@code strftime_now} reads and the limits of the sandbox. Immutable and thread-safe.
 *
 * @param clock read by {@code strftime_now}
 * @param maxSteps evaluation steps (expressions, loop iterations, elements handled)
 * @param maxOutput characters of the rendered text
 * @param maxAllocation characters and list elements that a template may create in all, intermediate values included
 * @param maxRecursion nested calls of macros and recursive loops
 * @param maxRange length of a {@code range()}
 */
public record RenderOptions(
        Clock clock, long maxSteps, long maxOutput, long maxAllocation, int maxRecursion, long maxRange) {
    private static final RenderOptions DEFAULTS =
            new RenderOptions(Clock.systemDefaultZone(), 50_000_000L, 32L << 20, 200L << 20, 250, 100_000L);

    /** Checks that every limit is positive. */
    public RenderOptions {
        Objects.requireNonNull(clock, "clock");
        if (maxSteps <= 0 || maxOutput <= 0 || maxAllocation <= 0 || maxRecursion <= 0 || maxRange < 0) {
            throw new IllegalArgumentException("limits must be positive");
        }
        if (maxRecursion > 1000) {
            throw new IllegalArgumentException("maxRecursion may be at most 1000");
        }
    }

    /** The system's local time and limits that no real chat template comes near. */
    public static RenderOptions defaults() {
        return DEFAULTS;
    }

    /** These options with another clock. */
    public RenderOptions withClock(Clock newClock) {
        return new RenderOptions(newClock, maxSteps, maxOutput, maxAllocation, maxRecursion, maxRange);
    }

    /** These options with another number of steps. */
    public RenderOptions withMaxSteps(long steps) {
        return new RenderOptions(clock, steps, maxOutput, maxAllocation, maxRecursion, maxRange);
    }

    /** These options with another limit on the rendered text. */
    public RenderOptions withMaxOutput(long characters) {
        return new RenderOptions(clock, maxSteps, characters, maxAllocation, maxRecursion, maxRange);
    }

    /** These options with another limit on everything that a template creates. */
    public RenderOptions withMaxAllocation(long units) {
        return new RenderOptions(clock, maxSteps, maxOutput, units, maxRecursion, maxRange);
    }

    /** These options with another recursion limit. */
    public RenderOptions withMaxRecursion(int calls) {
        return new RenderOptions(clock, maxSteps, maxOutput, maxAllocation, calls, maxRange);
    }
}
