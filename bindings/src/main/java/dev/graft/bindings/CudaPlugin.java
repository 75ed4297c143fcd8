package dev.graft.bindings;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;

/**
 * Hands the native library the CUDA plug-in that a jar may carry ({@code linux-x86-64/libgraft_cuda.so}). It is unpacked only when a GPU may be
 * used: it is large, and most machines have none.
 */
final class CudaPlugin {
  private static boolean provided;

  private CudaPlugin() {}

  /**
   * Before a runtime is opened. Does nothing when the user names a plug-in or a library folder, which the native side looks into by itself.
   *
   * @return the unpacked temporary file, to be deleted once the plug-in is loaded; null when there is none
   */
  static synchronized File provide(String device) {
    String configured = System.getProperty(GraftLibrary.PATH_PROPERTY, "");
    if (provided || device.equals("cpu") || !configured.isEmpty() || System.getenv("GRAFT_CUDA_LIBRARY") != null) {
      return null;
    }
    if (device.equals("auto") && !driverIsHere()) {
      return null;
    }
    provided = true;
    try {
      File file = Native.extractFromResourcePath("graft_cuda", GraftLibrary.class.getClassLoader());
      GraftLibrary.graft_cuda_library(file.getAbsolutePath());
      return file.getName().startsWith("jna") ? file : null;
    } catch (IOException e) {
      return null; // this jar carries none; the native side says so when a GPU was asked for
    }
  }

  static void loaded(File temporary) {
    if (temporary != null) {
      try {
        Files.deleteIfExists(temporary.toPath());
      } catch (IOException e) {
        temporary.deleteOnExit();
      }
    }
  }

  private static boolean driverIsHere() {
    try {
      NativeLibrary.getInstance("libcuda.so.1").close();
      return true;
    } catch (UnsatisfiedLinkError e) {
      return false;
    }
  }
}
