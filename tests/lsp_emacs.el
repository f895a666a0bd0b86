;;; Run by test_lsp_editors.py in a batch Emacs, as lsp_neovim.lua is in Neovim.  -*- lexical-binding: t -*-

(defun await (what condition)
  (let ((end (+ (float-time) 120)))
    (while (not (funcall condition))
      (when (> (float-time) end)
        (error "Waited in vain for: %s" what))
      ;; Nobody is idle in a batch, so what waits for that is run here.
      (mapc #'timer-event-handler (copy-sequence timer-idle-list))
      (accept-process-output nil 0.05))))

(defun await-one (type)
  (await type (lambda ()
                (let ((all (flymake-diagnostics)))
                  (and (= (length all) 1) (eq (flymake-diagnostic-type (car all)) type))))))

(defun await-none ()
  (await "no diagnostic" (lambda () (null (flymake-diagnostics)))))

(setq make-backup-files nil)
(find-file (getenv "LSP_FILE"))
(run-hooks 'post-command-hook)
(await "the server" #'eglot-current-server)

(await-one 'eglot-error)
(let ((found (car (flymake-diagnostics))))
  (goto-char (flymake-diagnostic-beg found))
  (princ (json-encode (list :line (line-number-at-pos) :column (- (point) (pos-bol))
                            :end (- (flymake-diagnostic-end found) (pos-bol)) :severity 1
                            :source (car (split-string (flymake-diagnostic-text found))))))
  (terpri))

(delete-region (line-beginning-position) (point-max))
(insert "s = \"é🐍\"; x = 1\n")
(await-none)
(erase-buffer)
(insert "x = \"\\d\"\n")
(await-one 'eglot-warning)
(erase-buffer)
(insert "x = 1\n")
(await-none)

(save-buffer)
(await "the .pyc" (lambda () (file-exists-p (getenv "LSP_PYC"))))
(eglot-shutdown (eglot-current-server))
