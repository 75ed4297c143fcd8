package dev.graft.eval.doctor;

import dev.graft.bindings.GraftException;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.RandomModel;
import dev.graft.bindings.RuntimeInfo;
import dev.graft.trainer.run.HostMemory;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.SafeFiles;
import dev.graft.trainer.tokenizer.LlamaTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks at everything that Graft runs on. Each check stands alone: what fails is said, and the others go on. */
public final class Doctor {
  private static final int JAVA = 17;
  private static final long LOW_MEMORY = 2L << 30;
  private static final long LOW_DISK = 4L << 30;
  private static final String REBUILD = "build it: mvn -B -ntp package -DskipTests (apt-get install cmake g++ ninja-build has what that needs)";

  /** Instruction sets from the most to the least, by architecture. */
  private static final List<String> X86 = List.of("amx", "avx512", "avx2");
  private static final List<String> ARM = List.of("neon");

  private final String version;
  private final String isa;
  private final int threads;
  private final List<Check> checks = new ArrayList<>();

  /**
   * @param version of the Java side  @param isa asked for, or null for the best  @param threads 0 for every core
   */
  public Doctor(String version, String isa, int threads) {
    this.version = version;
    this.isa = isa;
    this.threads = threads;
  }

  /** Looks. @param model a model to look at too, or null */
  public List<Check> examine(Path model) {
    system();
    java();
    boolean loaded = nativeLibrary();
    if (loaded) {
      processor();
    }
    checks.add(Gpu.check(loaded));
    memory();
    disk("disk, here", Path.of("").toAbsolutePath());
    disk("disk, temporary", Path.of(System.getProperty("java.io.tmpdir")));
    if (loaded) {
      llama();
      if (model != null) {
        checks.addAll(ModelChecks.of(model, isa, threads));
      }
    }
    return List.copyOf(checks);
  }

  private void system() {
    String name = "linux".equalsIgnoreCase(System.getProperty("os.name")) ? release() : System.getProperty("os.name") + " " + System.getProperty("os.version");
    String detail = name + ", " + System.getProperty("os.arch");
    boolean known = System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux") && System.getProperty("os.arch").matches("amd64|x86_64|aarch64");
    checks.add(known ? Check.ok("system", detail) : Check.note("system", detail, "Graft is built and tested on Linux, x86-64 and aarch64; elsewhere it may not build"));
  }

  private static String release() {
    return first(Path.of("/etc/os-release"), "^PRETTY_NAME=\"?([^\"]*)\"?$", "Linux") + ", kernel " + System.getProperty("os.version");
  }

  /** The first line of a file that matches, its group 1. */
  static String first(Path file, String expression, String otherwise) {
    Pattern pattern = Pattern.compile(expression);
    try {
      for (String line : Files.readAllLines(file)) {
        Matcher match = pattern.matcher(line);
        if (match.find()) {
          return match.group(1).strip();
        }
      }
    } catch (IOException | RuntimeException e) {
      return otherwise;
    }
    return otherwise;
  }

  private void java() {
    String detail = System.getProperty("java.runtime.version") + ", " + System.getProperty("java.vendor") + ", " + System.getProperty("java.home") + "; heap up to "
        + MemoryCheck.gib(Runtime.getRuntime().maxMemory());
    if (Runtime.version().feature() < JAVA) {
      checks.add(Check.failed("Java", detail, "install a JDK of version 17 or newer: apt-get install openjdk-17-jdk-headless, or set JAVA_HOME"));
    } else if (Runtime.getRuntime().maxMemory() < 256L << 20) {
      checks.add(Check.note("Java", detail, "large data needs more heap: GRAFT_JAVA_OPTS=-Xmx4g"));
    } else {
      checks.add(Check.ok("Java", detail));
    }
    Matcher jna = Pattern.compile("jna-([\\d.]+)\\.jar").matcher(System.getProperty("java.class.path"));
    checks.add(Check.ok("JNA", jna.find() ? jna.group(1) : "of unknown version"));
  }

  private boolean nativeLibrary() {
    String path = System.getProperty("graft.library.path");
    try {
      String built = GraftRuntime.nativeVersion();
      String detail = "libgraft " + built + (path == null || path.isEmpty() ? ", from the class path" : ", from " + path);
      boolean same = built.equals(version);
      checks.add(same ? Check.ok("native library", detail) : Check.failed("native library", detail + ", but the Java side is " + version, REBUILD));
      return same;
    } catch (GraftException | LinkageError e) {
      checks.add(Check.failed("native library", String.valueOf(e.getMessage()), REBUILD));
      return false;
    }
  }

  private void processor() {
    String cpu = first(Path.of("/proc/cpuinfo"), "^(?:model name|Processor)\\s*:\\s*(.*)$", System.getProperty("os.arch"));
    int cores = Runtime.getRuntime().availableProcessors();
    try (GraftRuntime runtime = GraftRuntime.open("cpu", isa, threads)) {
      RuntimeInfo info = runtime.info();
      checks.add(Check.ok("processor", cpu + ", " + cores + " processors for this process, " + info.threads() + " threads used"));
      instructionSets(info);
    } catch (GraftException e) {
      checks.add(Check.failed("processor", cpu + ": " + e.getMessage(), "leave --isa, GRAFT_ISA and --threads to their defaults"));
    }
  }

  private void instructionSets(RuntimeInfo info) {
    Set<String> missing = new LinkedHashSet<>();
    for (String name : System.getProperty("os.arch").equals("aarch64") ? ARM : X86) {
      if (!info.isas().contains(name)) {
        missing.add(name + " (" + whyNot(name) + ")");
      }
    }
    String detail = info.isa() + " is used; there are " + String.join(", ", info.isas()) + (missing.isEmpty() ? "" : "; not " + String.join(", ", missing));
    String best = info.isas().get(0);
    String forced = System.getenv("GRAFT_ISA");
    if (!info.isa().equals(best) && forced != null && !forced.isEmpty()) {
      checks.add(Check.note("instruction set", detail, "GRAFT_ISA=" + forced + " keeps " + best + " from being used; unset it"));
    } else if (info.isa().equals("ref")) {
      checks.add(Check.note("instruction set", detail, "plain C is slow; a processor with AVX2 or NEON is many times faster"));
    } else {
      checks.add(Check.ok("instruction set", detail));
    }
  }

  private static String whyNot(String name) {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", name, 1)) {
      return "it is there after all: " + runtime.info().isa();
    } catch (GraftException e) {
      Matcher reason = Pattern.compile("\\(([^;)]*)").matcher(e.getMessage());
      return reason.find() ? reason.group(1) : e.getMessage();
    }
  }

  private void memory() {
    OptionalLong available = HostMemory.available();
    String total = first(Path.of("/proc/meminfo"), "^MemTotal:\\s*(\\d+) kB$", "");
    if (available.isEmpty()) {
      checks.add(Check.note("memory", "the system does not say how much is available", "make sure that a model fits before it is trained: graft plan"));
      return;
    }
    String detail = MemoryCheck.gib(available.getAsLong()) + " available" + (total.isEmpty() ? "" : " of " + MemoryCheck.gib(Long.parseLong(total) * 1024));
    checks.add(available.getAsLong() >= LOW_MEMORY ? Check.ok("memory", detail) : Check.note("memory", detail, "end other programs, or take a smaller or more quantized model; graft plan says what a run needs"));
  }

  private void disk(String name, Path folder) {
    try {
      FileStore store = Files.getFileStore(folder);
      String detail = folder + ": " + MemoryCheck.gib(store.getUsableSpace()) + " free";
      if (!Files.isWritable(folder)) {
        checks.add(Check.note(name, folder + " cannot be written", name.endsWith("temporary") ? "give another with GRAFT_JAVA_OPTS=-Djava.io.tmpdir=FOLDER" : "work in a folder of your own, or give --output elsewhere"));
      } else {
        checks.add(store.getUsableSpace() >= LOW_DISK ? Check.ok(name, detail) : Check.note(name, detail, "checkpoints and merged models need room: free some, or give --output on another disk"));
      }
    } catch (IOException e) {
      checks.add(Check.note(name, folder + ": " + SafeFiles.reason(e), "make the folder, or choose another"));
    }
  }

  /** Starts java-llama.cpp's process, as every command with text does. */
  private void llama() {
    String name = "java-llama.cpp " + llamaVersion();
    Path folder = null;
    try {
      folder = Files.createTempDirectory("graft-doctor-");
      Path tiny = folder.resolve("tiny.gguf");
      RandomModel.tiny().write(tiny);
      try (LlamaTokenizer tokenizer = LlamaTokenizer.open(tiny)) {
        int[] ids = tokenizer.encode("fever");
        checks.add(ids.length == 0 ? Check.failed(name, "tokenizes 'fever' into nothing", REBUILD) : Check.ok(name, "its process starts, loads and tokenizes"));
      }
    } catch (IOException | RuntimeException | LinkageError e) {
      checks.add(Check.failed(name, "its process does not start: " + String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName()),
          "text cannot be tokenized; its native library needs Linux on x86-64 (AVX2) or aarch64, and room in the temporary folder and ~/.cache"));
    } finally {
      delete(folder);
    }
  }

  private static void delete(Path folder) {
    try {
      if (folder != null) {
        SafeFiles.deleteTree(folder);
      }
    } catch (IOException e) {
      return; // left in the temporary folder
    }
  }

  private static String llamaVersion() {
    return mavenVersion("de.kherud", "llama");
  }

  /** The version that a jar says of itself; empty when it does not. */
  private static String mavenVersion(String group, String artifact) {
    Properties properties = new Properties();
    try (InputStream in = Doctor.class.getResourceAsStream("/META-INF/maven/" + group + "/" + artifact + "/pom.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      return "";
    }
    return properties.getProperty("version", "");
  }
}
