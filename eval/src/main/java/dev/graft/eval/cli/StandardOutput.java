package dev.graft.eval.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * A standard stream that remembers why writing failed. A reader that went away ({@code | head}) is not a failure: the rest is
 * dropped. A full disk is one.
 */
final class StandardOutput extends OutputStream {
  private final FileOutputStream target;
  private volatile String failure;
  private volatile boolean closed;

  StandardOutput(FileDescriptor descriptor) {
    target = new FileOutputStream(descriptor);
  }

  /** Why the output is not complete, or null. */
  String failure() {
    return failure;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (closed) {
      throw new IOException("closed");
    }
    try {
      target.write(bytes, offset, length);
    } catch (IOException e) {
      closed = true;
      String reason = String.valueOf(e.getMessage());
      failure = reason.contains("Broken pipe") ? null : reason;
      throw e; // PrintWriter keeps it for checkError()
    }
  }
}
