; The pause: the mode stays, the main loop stays in here.
.include "ram.inc"
.include "routines.inc"

PAUSED = 5

.segment "CODE"

.proc check_pause
  lda pause_allowed
  beq @done
  lda mode
  cmp #MODE_PLAY
  beq @look
  cmp #MODE_INTRO
  bne @done
@look:
  jsr start_pressed
  bne @done
  lda #PAUSED
  sta pause_state
  lda #0
  sta level_sprites
  jsr hide_picture
@wait:
  jsr show_sprites
  jsr wait_frame
  jsr make_pads
  jsr check_soft_reset
  jsr start_pressed
  bne @wait
  lda #0
  sta pause_state
  lda #$FF
  sta level_sprites
  lda #MASK_ALL
  sta ppu_mask
  jmp show_sprites
@done:
  rts
.endproc

; Zero set: START alone was pressed, on either pad where two play.
.proc start_pressed
  lda p1_pressed
  cmp #BTN_START
  beq @done
  jsr two_play
  bcc @no
  lda p2_pressed
  cmp #BTN_START
  rts
@no:
  lda #1                        ; zero clear
@done:
  rts
.endproc

; Nobody may think on: the picture is hidden, but for whoever studies the machine.
.proc hide_picture
  jsr two_play
  bcc @hide                     ; the machine's flag may be left over
  lda vs_cpu
  bne @study
@hide:
  lda #MASK_SPRITES
  sta ppu_mask
@study:
  rts
.endproc
