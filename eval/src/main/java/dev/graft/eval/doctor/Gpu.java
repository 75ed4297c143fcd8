package dev.graft.eval.doctor;

import dev.graft.bindings.GraftException;
import dev.graft.bindings.GraftRuntime;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Whether there is an NVIDIA GPU, and whether Graft computes on it. */
final class Gpu {
  private static final int LIMIT_SECONDS = 10;

  private Gpu() {}

  /** @param loaded whether the native library can be asked */
  static Check check(boolean loaded) {
    String driver = Doctor.first(Path.of("/proc/driver/nvidia/version"), "Module\\S*(?: for \\S+)?\\s+(\\d[\\d.]*)", "");
    List<String> devices = devices();
    String found = devices.isEmpty() ? driver.isEmpty() ? "no NVIDIA driver, so no GPU is used" : "driver " + driver + ", but no device answers" : String.join("; ", devices);
    if (!loaded) {
      return Check.ok("GPU", found);
    }
    try (GraftRuntime runtime = GraftRuntime.open("cuda", null, 0)) {
      return Check.ok("GPU", found + "; Graft computes on it: " + runtime.info().describe());
    } catch (GraftException e) {
      String why = found + "; " + e.getMessage();
      if (devices.isEmpty()) {
        return driver.isEmpty() ? Check.ok("GPU", why) : Check.note("GPU", why, "see that nvidia-smi lists a device: in a container, start it with --gpus all");
      }
      return Check.note("GPU", why, onPath("nvcc") ? "rebuild with the CUDA toolkit on the PATH: mvn -B -ntp package -DskipTests"
          : "install the CUDA toolkit (nvcc), then rebuild: mvn -B -ntp package -DskipTests");
    }
  }

  private static boolean onPath(String program) {
    String path = System.getenv("PATH");
    for (String folder : path == null ? new String[0] : path.split(java.io.File.pathSeparator)) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
        return true;
      }
    }
    return false;
  }

  /** Name, memory and driver of each device, as nvidia-smi says; empty when it is not there or does not answer. */
  private static List<String> devices() {
    if (!onPath("nvidia-smi")) {
      return List.of();
    }
    try {
      Process process = new ProcessBuilder("nvidia-smi", "--query-gpu=name,memory.total,driver_version,compute_cap", "--format=csv,noheader").redirectErrorStream(false)
          .redirectError(ProcessBuilder.Redirect.DISCARD).start();
      process.getOutputStream().close();
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return List.of();
      }
      String out = new String(process.getInputStream().readNBytes(1 << 16), StandardCharsets.UTF_8);
      return process.exitValue() != 0 ? List.of() : out.lines().map(line -> line.replace(", ", " · ")).filter(line -> !line.isBlank()).collect(Collectors.toList());
    } catch (IOException e) {
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }
}
