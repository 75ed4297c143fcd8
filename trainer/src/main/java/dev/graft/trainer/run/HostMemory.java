package dev.graft.trainer.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What this process uses and may still use, from /proc and the cgroup; empty or 0 where the system cannot say. */
public final class HostMemory {
  private static final Path PROC = Path.of("/proc");
  private static final Path CGROUP = Path.of("/sys/fs/cgroup");

  private HostMemory() {}

  /** Bytes that can still be used without swapping, page cache included: the smaller of the machine's and the container's. */
  public static OptionalLong available() {
    long machine = field(PROC.resolve("meminfo"), "MemAvailable:");
    long container = cgroupRoom();
    long room = Math.min(machine < 0 ? Long.MAX_VALUE : machine, container < 0 ? Long.MAX_VALUE : container);
    return room == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(room);
  }

  /** Most bytes that were ever resident in this process, mapped files included; 0 when unknown. */
  public static long peakResidentBytes() {
    return Math.max(0, field(PROC.resolve("self/status"), "VmHWM:"));
  }

  /** Bytes of a "Name: 123 kB" line, or -1. */
  static long field(Path file, String name) {
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith(name)) {
          return 1024 * Long.parseLong(line.substring(name.length()).replace("kB", "").strip());
        }
      }
    } catch (IOException | RuntimeException e) {
      return -1;
    }
    return -1;
  }

  /** Room under the tightest limit of this process's cgroup v2 and its parents (or cgroup v1's memory controller), or -1. */
  private static long cgroupRoom() {
    long room = -1;
    try {
      for (String line : Files.readAllLines(PROC.resolve("self/cgroup"))) {
        String[] parts = line.split(":", 3);
        boolean v2 = parts[0].equals("0");
        if (parts.length < 3 || !v2 && !parts[1].equals("memory")) {
          continue;
        }
        Path root = v2 ? CGROUP : CGROUP.resolve("memory");
        for (Path at = root.resolve(parts[2].substring(1)); at != null && at.startsWith(root); at = at.getParent()) {
          long here = v2 ? room(at, "memory.max", "memory.current") : room(at, "memory.limit_in_bytes", "memory.usage_in_bytes");
          room = here < 0 ? room : room < 0 ? here : Math.min(room, here);
        }
      }
    } catch (IOException | RuntimeException e) {
      return room;
    }
    return room;
  }

  private static long room(Path group, String limitFile, String usageFile) {
    try {
      String limit = Files.readString(group.resolve(limitFile)).strip();
      if (limit.equals("max") || limit.length() > 18) { // v1 writes 2^63 rounded down for "none"
        return -1;
      }
      long used = Long.parseLong(Files.readString(group.resolve(usageFile)).strip());
      long cache = 0;
      for (String line : Files.readAllLines(group.resolve("memory.stat"))) {
        String[] parts = line.split(" ");
        if (parts[0].equals("inactive_file") || parts[0].equals("active_file")) {
          cache += Long.parseLong(parts[1]);
        }
      }
      return Math.max(0, Long.parseLong(limit) - Math.max(0, used - cache));
    } catch (IOException | RuntimeException e) {
      return -1;
    }
  }
}
