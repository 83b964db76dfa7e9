;;; emacs_session.el --- What a person does in Emacs, without one  -*- lexical-binding: t -*-

;; Waits for the finding, reads what eldoc would show, takes the change back from the menu of
;; actions, saves.  Writes what was seen to $THEMIS_SEEN as JSON; $THEMIS_CHOICE is how the chosen
;; action's title begins.

;;; Code:

(require 'cl-lib)
(require 'json)

(defvar seen nil "What was seen: an alist, the newest first.")

(defun see (name value)
  "Note VALUE under NAME."
  (push (cons name value) seen))

(defun wait-for (what is-so)
  "Wait a minute until IS-SO returns something and return it; WHAT names it in the error."
  (let ((give-up (+ (float-time) 60)) found)
    (while (not (setq found (funcall is-so)))
      (when (> (float-time) give-up) (error "Nothing came of: %s" what))
      (accept-process-output nil 0.02))
    found))

(find-file (getenv "THEMIS_FILE"))
(let ((eglot-sync-connect 30))
  (apply #'eglot (eglot--guess-contact)))

(let ((diagnostics (wait-for "diagnostics" #'flymake-diagnostics)))
  (see 'messages (apply #'vector (mapcar #'flymake-diagnostic-text diagnostics)))
  (see 'type (format "%s" (flymake-diagnostic-type (car diagnostics))))
  (goto-char (flymake-diagnostic-beg (car diagnostics))))

(let (told)
  (eglot-hover-eldoc-function (lambda (text &rest _) (setq told text)))
  (see 'hover (substring-no-properties (wait-for "hover" (lambda () told)))))

(let ((last-nonmenu-event ?\r) ; as from the keyboard: eglot then asks in the minibuffer
      titles)
  (cl-letf (((symbol-function 'completing-read)
             (lambda (_prompt choices &rest _)
               (setq titles (mapcar (lambda (each) (if (consp each) (car each) each)) choices))
               (cl-find-if (lambda (each) (string-prefix-p (getenv "THEMIS_CHOICE") each)) titles))))
    (eglot-code-actions (point) (point) nil t))
  (see 'titles (apply #'vector titles)))
(wait-for "code action" #'buffer-modified-p)
(save-buffer)

(with-temp-file (getenv "THEMIS_SEEN")
  (insert (json-encode seen)))
(eglot-shutdown (eglot-current-server))

;;; emacs_session.el ends here
