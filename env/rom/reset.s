; CHR of the game is drawn as text in art/tiles.txt; build.py turns it into tiles.chr.
; Cartridge header, vectors, power-on and soft reset.
.include "ram.inc"
.include "routines.inc"

.segment "HEADER"
  .byte "NES", $1A, 2, 4, $30, $00, 0, 0, 0, 0, 0, 0, 0, 0

.segment "VECTORS"
  .word nmi, reset, irq

.segment "TILES"
  .incbin "tiles.chr"

.segment "CODE"

reset:
  sei
  cld
  ldx #$40
  stx JOY2                      ; no frame interrupts of the sound unit
  ldx #$FF
  txs
  inx
  stx PPUCTRL
  stx PPUMASK
  stx DMC_FREQ
  stx SND_CHN
  bit PPUSTATUS
: bit PPUSTATUS
  bpl :-
  lda #0                        ; $0000-$06FF to zero; the last page survives a reset
  tax
: sta $00, x
  sta $0100, x
  sta $0300, x
  sta $0400, x
  sta $0500, x
  sta $0600, x
  inx
  bne :-
  lda #$FF
: sta oam, x
  inx
  bne :-
: bit PPUSTATUS
  bpl :-
  lda #$89                      ; every hardware reset starts the same stream
  sta rng_a
  lda #$88
  sta rng_b
  jsr cold_boot
  jsr init_sound
  lda #$FF
  sta attract                   ; until the title is up
  lda #$88                      ; NMI on, background from $0000, sprites from $1000
  sta ppu_ctrl
  sta PPUCTRL

; Also the target of A+B+Select+Start: back to the title, the generator runs on.
soft_reset:
  ldx #$FF
  txs
  lda attract
  cmp #ATTRACT_DEMO
  bne :+
  jsr end_demo
: ldx #0
  stx mode
  stx pause_allowed
  stx pause_state
  stx level_sprites
  stx field_shown
  stx round_step
  stx final_scene
  stx cpu_held
  jsr clear_fields
  jsr restore_options
  lda #SCREEN_NONE
  sta screen_drawn
  ; fall through

.proc main_loop
  jsr run_mode
  jsr show_sprites
  jsr check_pause
  jsr check_soft_reset
  jsr wait_frame
  jsr make_pads
  jmp main_loop
.endproc

.proc run_mode
  lda mode
  asl a
  tax
  lda mode_table + 1, x
  pha
  lda mode_table, x
  pha
  rts
.endproc

mode_table:
  .addr title - 1, options - 1, build_level - 1, init_level - 1, play - 1
  .addr topped_out - 1, nothing - 1, round_over - 1, intro - 1

nothing:
  rts

.proc wait_frame
  jsr sound_frame
  lda #0
  sta nmi_done
: lda nmi_done
  beq :-
  rts
.endproc

.proc check_soft_reset
  lda p1_held
  cmp #BTN_A | BTN_B | BTN_SELECT | BTN_START
  bne :+
  jmp soft_reset
: rts
.endproc

; First power-on: one player, level 0, MED, no tune (the game we stand in for plays its first).
.proc cold_boot
  lda signature
  cmp #'V'
  bne @cold
  lda signature + 1
  cmp #'R'
  beq @warm
@cold:
  lda #0
  ldx #5
: sta high_score, x
  dex
  bpl :-
  sta no_speedups
  sta float_halves
  sta levels_beyond
  sta saved_level
  sta saved_level + 1
  lda #1
  sta players
  sta saved_speed
  sta saved_speed + 1
  lda #2
  sta music
  lda #3
  sta wins_needed
  lda #'V'
  sta signature
  lda #'R'
  sta signature + 1
  jsr reset_score
@warm:
  lda #0
  sta tamper
  rts
.endproc

.proc restore_options
  lda saved_level
  sta P1 + O_LEVEL
  lda saved_level + 1
  sta P2 + O_LEVEL
  lda saved_speed
  sta P1 + O_SPEED
  lda saved_speed + 1
  sta P2 + O_SPEED
  rts
.endproc
