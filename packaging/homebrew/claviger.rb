# The formula, which packaging/homebrew/build fills in. A tap needs a repository "homebrew-NAME" with
# this file in the folder "Formula".
class Claviger < Formula
  desc "Gives AI coding clients the current key of their LLM gateway"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license any_of: ["Apache-2.0", "MIT"]

@ARCHIVES@

  def install
    # As a whole: a helper's link selects its client, and the helper starts the daemon beside it.
    prefix.install "bin"
    man1.install Dir["share/man/man1/*"]
    bash_completion.install "share/bash-completion/completions/claviger"
    zsh_completion.install "share/zsh/site-functions/_claviger"
    fish_completion.install "share/fish/vendor_completions.d/claviger.fish"
    pkgshare.install "share/claviger/config.schema.json"
    doc.install Dir["share/doc/claviger/*"]
  end

  def caveats
    <<~EOS
      Claviger needs no service: the first claviger-helper starts the daemon of its user.
      For Claude Code's settings: "apiKeyHelper": "exec #{opt_bin}/claviger-helper"
    EOS
  end

  service do
    run [opt_bin/"claviger", "daemon"]
    log_path var/"log/claviger.log"
    error_log_path var/"log/claviger.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/claviger --version")
    system bin/"claviger", "demo"
  end
end
