package dev.graft.trainer.constrain;

/** A constraint that a {@link Machine} follows. */
final class FormConstraint implements TokenConstraint {
  private final Machine machine;

  FormConstraint(Machine machine) {
    this.machine = machine;
  }

  @Override
  public ConstraintState start() {
    return new State();
  }

  private final class State implements ConstraintState {
    private StackSet at = machine.start();
    private long[] mask;
    private boolean ended;

    @Override
    public long[] allowed() {
      if (mask == null) {
        mask = ended ? machine.trie().endMask : machine.mask(at);
      }
      return mask;
    }

    @Override
    public void accept(int token) {
      if (machine.trie().endsGeneration(token)) {
        if (!at.empty) {
          throw new IllegalArgumentException("token " + token + " ends generation, but the answer is not whole yet");
        }
        ended = true;
        mask = null;
        return;
      }
      byte[] bytes = machine.trie().piece(token);
      StackSet next = bytes == null || ended ? null : machine.after(at, bytes);
      if (next == null || next.isNone()) {
        throw new IllegalArgumentException("token " + token + " is not allowed here");
      }
      at = next;
      mask = null;
    }

    @Override
    public boolean finished() {
      return ended || at.empty && at.states.length == 0;
    }
  }
}
